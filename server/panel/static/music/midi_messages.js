// Numbers of the MIDI 1.0 specification: status bytes without their channel, and controllers.

export const NOTE_OFF = 0x80;
export const NOTE_ON = 0x90;
export const CONTROL_CHANGE = 0xb0;

export const SUSTAIN_PEDAL = 64;
const ALL_SOUND_OFF = 120;
const ALL_NOTES_OFF = 123;
// The controllers above this one are channel mode messages, such as "all notes off".
export const LAST_CONTROLLER = 119;

export const isPedalDown = (value) => value >= 64;
export const endsAllNotes = (controller) => controller === ALL_SOUND_OFF || controller === ALL_NOTES_OFF;
