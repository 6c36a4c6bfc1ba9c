// The connection to the jam: one WebSocket that reconnects by itself, and an estimate of the jam's clock.

const PING_EVERY_MS = 2000;
const PINGS_KEPT = 8;
// After this long without a message the connection is dead, whatever the browser reports: the jam sends twice a second.
const SILENCE_LIMIT_MS = 6000;
const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 4000;
const RETRY_GROWTH = 1.6;

export class JamConnection {
  // `onMessage` gets each message of the jam except pongs. `onStateChange` gets "open"; "lost" and a reason, which may be
  // empty; or "locked" where the jam wants a token first.
  constructor(onMessage, onStateChange) {
    this.onMessage = onMessage;
    this.onStateChange = onStateChange;
    this.retryMs = FIRST_RETRY_MS;
    this.clockSamples = [];
    this.clockOffsetS = null;
    this.receivedMs = 0;
    setInterval(() => this.#checkAlive(), PING_EVERY_MS);
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // The time of the jam's clock, in seconds.
  nowS() {
    return performance.now() / 1000 + (this.clockOffsetS ?? 0);
  }

  async open() {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    try {
      const response = await fetch("/access", { cache: "no-store" });
      if (!(await response.json()).open) {
        this.onStateChange("locked");
        return;
      }
    } catch {
      this.#retryLater();
      return;
    }
    const socket = new WebSocket(`ws://${location.host}/jam`);
    this.socket = socket;
    socket.onmessage = (event) => socket === this.socket && this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#retryLater(event.reason);
  }

  // Sends a message, or drops it while the connection is not open.
  send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }

  #receive(message) {
    this.receivedMs = performance.now();
    if (message.type === "pong") {
      this.#addClockSample(message);
      return;
    }
    if (message.type === "welcome") {
      this.retryMs = FIRST_RETRY_MS;
      this.clockSamples = [];
      this.clockOffsetS = message.now_s - performance.now() / 1000;
      this.onStateChange("open");
      for (let i = 0; i < 3; i++) setTimeout(() => this.#ping(), 100 * i);
    }
    this.onMessage(message);
  }

  // The shortest round trip gives the most exact offset.
  #addClockSample({ sent_ms: sentMs, now_s: nowS }) {
    const receivedMs = performance.now();
    this.clockSamples.push({ roundTripMs: receivedMs - sentMs, offsetS: nowS - (sentMs + receivedMs) / 2000 });
    if (this.clockSamples.length > PINGS_KEPT) this.clockSamples.shift();
    this.clockOffsetS = this.clockSamples.reduce((best, one) => (one.roundTripMs < best.roundTripMs ? one : best)).offsetS;
  }

  #ping() {
    this.send({ type: "ping", sent_ms: performance.now() });
  }

  #checkAlive() {
    if (this.isOpen && performance.now() - this.receivedMs > SILENCE_LIMIT_MS) {
      const dead = this.socket;
      this.#retryLater();
      dead.close();
    } else this.#ping();
  }

  #retryLater(reason = "") {
    this.socket = undefined;
    this.onStateChange("lost", reason);
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * RETRY_GROWTH, LONGEST_RETRY_MS);
  }

  #retryNow() {
    if (this.retryTimer !== undefined && !this.isOpen) {
      this.retryMs = FIRST_RETRY_MS;
      this.open();
    }
  }
}
