// What stands at the top and in the corner: state, turn and count-in, beat lights, tempo, and how the jam is wired.

import { element } from "./controls.js";

const WORDS = { listening: "Listening", waiting: "Waiting to answer", answering: "Answering" };
const SOURCES = { internal: "own clock", midi: "MIDI clock", link: "Ableton Link" };
const SIDES = { player: "You", partner: "Partner" };

export class Stand {
  constructor(find) {
    this.parts = Object.fromEntries(
      ["state", "tempo", "source", "place", "lights", "turn", "turn-who", "turn-bar", "turn-count", "wiring", "news"].map(
        (name) => [name, find(name)],
      ),
    );
    this.shown = {};
  }

  showState(state) {
    this.#text("state", WORDS[state] ?? state);
    document.body.dataset.state = state;
  }

  showTime(timeline) {
    this.#text("tempo", timeline.bpm.toFixed(timeline.bpm % 1 < 0.05 || timeline.bpm % 1 > 0.95 ? 0 : 1));
    this.#text("source", timeline.transport === "stopped" ? "song stopped" : SOURCES[timeline.source]);
    const beats = timeline.meter[0];
    if (this.parts.lights.childElementCount !== beats) {
      this.parts.lights.replaceChildren(...Array.from({ length: beats }, () => element("i")));
    }
  }

  // Sixty times a second, so it touches only what is different.
  showBeat(beat, timeline, turn) {
    const isKnown = timeline.hasBars || turn;
    const { bar, into } = timeline.barAt(beat);
    const light = isKnown ? Math.floor((into * timeline.meter[1]) / 4 + 1e-6) : -1;
    if (light !== this.shown.light) {
      this.shown.light = light;
      [...this.parts.lights.children].forEach((one, i) => one.classList.toggle("is-on", i === light));
    }
    this.#text("place", isKnown && bar >= 0 ? `${bar + 1}.${light + 1}` : "–");
    this.#turn(turn, timeline);
  }

  showWiring({ midi_in: midiIn, midi_out: midiOut, midi_api: api, osc, ms_per_token: speeds }, figures, says) {
    const late = figures.lateness_ms;
    const rows = [
      ["Clock", this.shown.source ?? ""],
      ["MIDI in", midiIn, api],
      ["MIDI out", midiOut, api],
      ["OSC", osc],
      ["Notes late by", late.p50 === undefined ? "nothing played yet" : `${late.p50} ms`, late.p99 === undefined ? "" : `p99 ${late.p99} ms`],
      ["Thinking", Object.entries(speeds).map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(", ") + " ms per token"],
      ["Panels open", String(figures.panels)],
      ["Refused", String(figures.refused), says],
    ]; // prettier-ignore
    const key = JSON.stringify(rows);
    if (key === this.shown.wiring) return;
    this.shown.wiring = key;
    this.parts.wiring.replaceChildren(
      ...rows.flatMap(([name, value, more]) => {
        const shown = element("dd", "", value);
        if (more) shown.append(" ", element("small", "", more));
        return [element("dt", "", name), shown];
      }),
    );
  }

  // A sentence for a moment; what went wrong stays a little longer.
  say(sentence, isWrong = false) {
    const { news } = this.parts;
    news.textContent = sentence;
    news.classList.toggle("is-wrong", isWrong);
    news.classList.add("is-shown");
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => news.classList.remove("is-shown"), isWrong ? 7000 : 4000);
  }

  #turn(turn, timeline) {
    const { turn: box } = this.parts;
    const shows = turn ? (turn.side ?? "count") : "";
    if (shows !== this.shown.side) {
      this.shown.side = shows;
      box.hidden = !turn;
      box.dataset.side = shows;
      if (turn) this.#text("turn-who", turn.side ? `${SIDES[turn.side]} play${turn.side === "partner" ? "s" : ""}` : "Count-in");
    }
    if (!turn) return;
    this.#text("turn-bar", turn.side ? `bar ${turn.bar + 1} of ${turn.bars}` : `${SIDES[turn.next]} in`);
    const left = Math.ceil((turn.beatsLeft * timeline.meter[1]) / 4 - 1e-6);
    this.#text("turn-count", left <= timeline.meter[0] ? String(left) : "");
  }

  #text(name, text) {
    if (this.shown[name] === text) return;
    this.shown[name] = text;
    this.parts[name].textContent = text;
  }
}
