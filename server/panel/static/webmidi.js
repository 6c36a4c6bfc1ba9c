// MIDI keyboards that the browser can reach; what they play goes to the jam as if it were played on the page, and their
// knobs and pedals move what they are bound to.

const NOTE_OFF = 0x80;
const NOTE_ON = 0x90;
const CONTROL = 0xb0;
// Those above are no knobs: they silence a synth, or change its mode.
const LAST_KNOB = 119;

export const hasWebMidi = "requestMIDIAccess" in navigator;

// Listens to all of them; `tell` gets their names, now and whenever one comes or goes.
export async function listen(hands, tell) {
  const access = await navigator.requestMIDIAccess();
  const plug = () => {
    const inputs = [...access.inputs.values()].filter((input) => input.state === "connected");
    for (const input of inputs) input.onmidimessage = (event) => take(hands, input.id, event.data);
    tell(inputs.map((input) => input.name));
  };
  access.onstatechange = plug;
  plug();
}

function take(hands, who, [status, number, value]) {
  const kind = status & 0xf0;
  if (kind === NOTE_ON && value > 0) hands.press(who, number, value);
  else if (kind === NOTE_ON || kind === NOTE_OFF) hands.release(who, number);
  else if (kind === CONTROL && number <= LAST_KNOB) hands.control(number, value, status & 0x0f);
}
