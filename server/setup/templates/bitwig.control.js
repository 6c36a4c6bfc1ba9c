// Trading Fours in Bitwig Studio: the partner's ports, the clock, and its controls, bound both ways. Written by `fours setup bitwig`.

loadAPI(18);

const PARTNER = @NAME@;
const PARTNER_HEARS = @MIDI_IN@; // the port that the partner listens to
const PARTNER_PLAYS = @MIDI_OUT@; // the port that the partner plays to
const OSC_HOST = @OSC_HOST@;
const OSC_PORT = @OSC_PORT@;
const REPLY_PORT = @REPLY_PORT@;
const CONTROLS = @CONTROLS@;

host.defineController(PARTNER, PARTNER, "1.0", "7d0a9c52-5b0e-4a4f-9d59-2f1c3a8b6e14", PARTNER);
host.defineMidiPorts(1, 1);
host.addDeviceNameBasedDiscoveryPair([PARTNER_PLAYS], [PARTNER_HEARS]);

function init() {
  host.getMidiInPort(0).createNoteInput(PARTNER, "??????");
  host.getMidiOutPort(0).setShouldSendMidiBeatClock(true);
  const osc = host.getOscModule();
  const partner = osc.connectToUdpServer(OSC_HOST, OSC_PORT, osc.createAddressSpace());
  const updates = osc.createAddressSpace();
  const pages = host.getDocumentState();
  for (const control of CONTROLS) {
    bind(control, pages, partner, updates);
  }
  osc.createUdpServer(REPLY_PORT, updates);
  // Without an argument the partner answers with all values, and sends each change from then on.
  partner.sendMessage("/fours/sync");
}

function bind(control, pages, partner, updates) {
  if (control.kind === "action") {
    const button = pages.getSignalSetting(control.label, control.page, control.label);
    button.addSignalObserver(() => partner.sendMessage(control.address, 1));
    return;
  }
  // What the partner said last is not sent back to it.
  let known = control.value;
  const isNumber = control.kind === "number";
  const setting = isNumber
    ? pages.getNumberSetting(control.label, control.page, control.low, control.high, control.step, control.unit, control.value)
    : pages.getEnumSetting(control.label, control.page, control.choices, control.value);
  const tell = (value) => {
    if (isSame(value, known)) return;
    known = value;
    partner.sendMessage(control.address, value);
  };
  if (isNumber) {
    setting.addRawValueObserver(tell);
  } else {
    setting.addValueObserver(tell);
  }
  updates.registerMethod(control.address, "*", control.help, (_source, message) => {
    const value = isNumber ? message.getFloat(0) : message.getString(0);
    if (value === null || value === undefined || isSame(value, known)) return;
    known = value;
    if (isNumber) {
      setting.setRaw(value);
    } else {
      setting.set(value);
    }
  });
}

// OSC carries 32 bits of a number.
function isSame(one, other) {
  return typeof one === "number" ? Math.abs(one - other) <= 1e-5 * Math.max(1, Math.abs(one)) : one === other;
}

function flush() {}

function exit() {}
