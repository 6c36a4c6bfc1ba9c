// The line to the jam: one websocket that comes back by itself, and the jam's clock as seen from here.

const PING_EVERY_MS = 2000;
const PINGS_KEPT = 8;
// After so long without a word the line is dead, whatever the browser says: the jam speaks twice a second.
const SILENT_MS = 6000;
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 4000;

export class Link {
  // `hear` gets each message; `tell` gets "open" or "lost", or "door" where a token is asked for.
  constructor(hear, tell) {
    this.hear = hear;
    this.tell = tell;
    this.waitMs = FIRST_WAIT_MS;
    this.offsets = [];
    this.offsetS = null;
    this.heardMs = 0;
    setInterval(() => this.#look(), PING_EVERY_MS);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // The jam's clock, in its seconds.
  nowS() {
    return performance.now() / 1000 + (this.offsetS ?? 0);
  }

  async open() {
    clearTimeout(this.again);
    this.again = undefined;
    try {
      const door = await fetch("/door", { cache: "no-store" });
      if (!(await door.json()).open) {
        this.tell("door");
        return;
      }
    } catch {
      this.#later();
      return;
    }
    const socket = new WebSocket(`ws://${location.host}/jam`);
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#later(event.reason);
  }

  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.heardMs = performance.now();
    if (message.type === "pong") {
      this.#setClock(message);
      return;
    }
    if (message.type === "welcome") {
      this.waitMs = FIRST_WAIT_MS;
      this.offsets = [];
      this.offsetS = message.now_s - performance.now() / 1000;
      this.tell("open");
      for (let i = 0; i < 3; i++) setTimeout(() => this.#ping(), 100 * i);
    }
    this.hear(message);
  }

  // The quickest answer is the one that says most exactly what time it is.
  #setClock({ sent_ms: sentMs, now_s: nowS }) {
    const gotMs = performance.now();
    this.offsets.push({ tookMs: gotMs - sentMs, offsetS: nowS - (sentMs + gotMs) / 2000 });
    if (this.offsets.length > PINGS_KEPT) this.offsets.shift();
    this.offsetS = this.offsets.reduce((best, one) => (one.tookMs < best.tookMs ? one : best)).offsetS;
  }

  #ping() {
    this.send({ type: "ping", sent_ms: performance.now() });
  }

  #look() {
    if (this.isOpen && performance.now() - this.heardMs > SILENT_MS) {
      const dead = this.socket;
      this.#later();
      dead.close();
    } else this.#ping();
  }

  #later(reason = "") {
    this.socket = undefined;
    this.tell("lost", reason);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), this.waitMs);
    this.waitMs = Math.min(this.waitMs * 1.6, LONGEST_WAIT_MS);
  }

  #hurry() {
    if (this.again !== undefined && !this.isOpen) {
      this.waitMs = FIRST_WAIT_MS;
      this.open();
    }
  }
}
