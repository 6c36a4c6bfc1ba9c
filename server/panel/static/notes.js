// What a note is called, and what it looks like on a keyboard.

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const BLACK = new Set([1, 3, 6, 8, 10]);

export const LOWEST = 0;
export const HIGHEST = 127;

export const nameOf = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
export const isBlack = (pitch) => BLACK.has(pitch % 12);
export const frequencyOf = (pitch) => 440 * 2 ** ((pitch - 69) / 12);
