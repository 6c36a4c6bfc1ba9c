// Pitches: their names, their black keys and their frequencies. A pitch is a MIDI note number, 0 to 127; 60 is C4.

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);

export const LOWEST_PITCH = 0;
export const HIGHEST_PITCH = 127;

export const noteName = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
export const isBlackKey = (pitch) => BLACK_KEYS.has(pitch % 12);
export const frequencyHz = (pitch) => 440 * 2 ** ((pitch - 69) / 12);
