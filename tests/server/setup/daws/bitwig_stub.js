// A stub of Bitwig Studio's host: runs a controller script, then does what the lines on stdin say, and prints what happens.
const fs = require("node:fs");
const vm = require("node:vm");

const say = (...words) => console.log(words.map((word) => (typeof word === "string" ? word : JSON.stringify(word))).join(" "));
const settings = {};
const methods = {};

function setting(kind) {
  return (label, page, ...rest) => {
    say(kind, page, label, rest);
    const observers = [];
    settings[label] = { observers };
    const observe = (observer) => observers.push(observer);
    // Bitwig calls an observer with the present value as soon as it is there.
    const observeValue = (observer) => {
      observe(observer);
      observer(rest.at(-1));
    };
    return {
      addRawValueObserver: observeValue,
      addValueObserver: observeValue,
      addSignalObserver: observe,
      set: (value) => { say("set", label, value); observers.forEach((observer) => observer(value)); },
      setRaw: (value) => { say("set", label, value); observers.forEach((observer) => observer(value)); },
    };
  };
}

const host = {
  defineController: (...words) => say("controller", words.slice(0, 3)),
  defineMidiPorts: (inputs, outputs) => say("ports", inputs, outputs),
  addDeviceNameBasedDiscoveryPair: (inputs, outputs) => say("found by", inputs, outputs),
  getMidiInPort: () => ({ createNoteInput: (name, masks) => say("note input", name, masks) }),
  getMidiOutPort: () => ({ setShouldSendMidiBeatClock: (isOn) => say("clock", isOn) }),
  getDocumentState: () => ({
    getNumberSetting: setting("number"),
    getEnumSetting: setting("enum"),
    getSignalSetting: setting("signal"),
  }),
  getOscModule: () => ({
    createAddressSpace: () => ({ registerMethod: (address, _types, _help, call) => { methods[address] = call; } }),
    connectToUdpServer: (name, port) => {
      say("sends to", name, port);
      return { sendMessage: (address, ...values) => say("send", address, values) };
    },
    createUdpServer: (port) => say("listens on", port),
  }),
};

const context = vm.createContext({ host, loadAPI: (version) => say("api", version) });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), context);
vm.runInContext("init()", context);
say("---");
for (const line of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [verb, name, value] = JSON.parse(line);
  if (verb === "turn") settings[name].observers.forEach((observer) => observer(value));
  if (verb === "hear") methods[name](null, { getFloat: () => value, getString: () => value });
}
vm.runInContext("flush(); exit()", context);
