// MIDI keyboards that the browser can reach by Web MIDI. Their keys are played to the jam like those of the page, and
// their knobs and pedals move the controls that they are bound to.

import { CONTROL_CHANGE, LAST_CONTROLLER, NOTE_OFF, NOTE_ON } from "../music/midi_messages.js";

export const isMidiSupported = "requestMIDIAccess" in navigator;

// Connects all of them. `onNamesChanged` gets their names, now and whenever one is plugged in or out. Rejects where the
// user or the browser does not allow it.
export async function connectMidiKeyboards(input, onNamesChanged) {
  const access = await navigator.requestMIDIAccess();
  let connectedIds = new Set();
  const connectAll = () => {
    const ports = [...access.inputs.values()].filter((port) => port.state === "connected");
    const ids = new Set(ports.map((port) => port.id));
    // A keyboard that was unplugged sends no note-off, nor a pedal that comes up.
    for (const id of connectedIds) if (!ids.has(id)) input.releaseSource(id);
    connectedIds = ids;
    for (const port of ports) port.onmidimessage = (event) => handleMessage(input, port.id, event.data);
    onNamesChanged(ports.map((port) => port.name));
  };
  access.onstatechange = connectAll;
  connectAll();
}

function handleMessage(input, source, [status, number, value]) {
  const kind = status & 0xf0;
  if (kind === NOTE_ON && value > 0) input.pressKey(source, number, value);
  else if (kind === NOTE_ON || kind === NOTE_OFF) input.releaseKey(source, number);
  else if (kind === CONTROL_CHANGE && number <= LAST_CONTROLLER) input.moveController(source, number, value, status & 0x0f);
}
