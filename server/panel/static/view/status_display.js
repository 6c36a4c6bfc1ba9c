// The status at the top and in the corner: state, turn and count-in, beat lamps, tempo, wiring, and short notices.

import { createElement, labelOf } from "./dom.js";
import { timingRows } from "./timing_rows.js";

const STATE_TEXTS = { listening: "Listening", waiting: "Waiting to answer", answering: "Answering" };
const CLOCK_TEXTS = { internal: "own clock", midi: "MIDI clock", link: "Ableton Link" };
const SIDE_TEXTS = { player: "You", partner: "Partner" };
// These readouts of the jam have a place of their own on the page; a new one is listed with the wiring.
const DISPLAYED_READOUTS = new Set(["state", "turn", "bar", "beat", "bpm", "chord", "next_chord"]);
const NOTICE_MS = 4000;
const ERROR_NOTICE_MS = 7000;
// A beat this close before a line counts as on it.
const TOLERANCE_BEATS = 1e-6;

const IDS = [
  "state", "tempo", "clock-source", "position", "beat-lamps", "turn", "turn-side", "turn-bar", "turn-count", "chord", "chord-now", "chord-next", "wiring", "notice",
]; // prettier-ignore

export class StatusDisplay {
  // `find` returns the element of an id.
  constructor(find) {
    this.elements = Object.fromEntries(IDS.map((id) => [id, find(id)]));
    this.shown = {}; // what each element shows now, so that only changes touch the page
  }

  showState(state) {
    this.#setText("state", STATE_TEXTS[state] ?? state);
    document.body.dataset.state = state;
  }

  showTempo(timeline) {
    this.#setText("tempo", timeline.bpm.toFixed(timeline.bpm % 1 < 0.05 || timeline.bpm % 1 > 0.95 ? 0 : 1));
    this.#setText("clock-source", timeline.transport === "stopped" ? "song stopped" : CLOCK_TEXTS[timeline.source]);
    const lampCount = timeline.meter[0];
    const lamps = this.elements["beat-lamps"];
    if (lamps.childElementCount !== lampCount) {
      lamps.replaceChildren(...Array.from({ length: lampCount }, () => createElement("i")));
    }
  }

  // Is called sixty times a second.
  showBeat(beat, timeline, turn) {
    const isCounted = timeline.hasBars || turn;
    const { bar, beatsIntoBar } = timeline.barAt(beat);
    const lamp = isCounted ? Math.floor((beatsIntoBar * timeline.meter[1]) / 4 + TOLERANCE_BEATS) : -1;
    if (lamp !== this.shown.lamp) {
      this.shown.lamp = lamp;
      [...this.elements["beat-lamps"].children].forEach((one, i) => one.classList.toggle("is-on", i === lamp));
    }
    this.#setText("position", isCounted && bar >= 0 ? `${bar + 1}.${lamp + 1}` : "–");
    this.#showTurn(turn, timeline);
  }

  // The chord that sounds and the next one; null where none is known. Is called sixty times a second.
  showChord(chord) {
    if (this.shown.chordIsHidden !== !chord) {
      this.shown.chordIsHidden = !chord;
      this.elements.chord.hidden = !chord;
    }
    if (!chord) return;
    this.#setText("chord-now", chord.symbol);
    this.#setText("chord-next", chord.next.symbol === chord.symbol ? "" : `then ${chord.next.symbol}`);
  }

  // `refusal` is the jam's last reason for refusing a message of this page, or empty.
  // `offsetMs` is the control now, and `source` the clock that leads.
  showWiring(wiring, figures, readouts, refusal, offsetMs, source) {
    const { midi_in: midiIn, midi_out: midiOut, osc, ms_per_token: speeds } = wiring;
    const lateness = figures.lateness_ms;
    const others = Object.entries(readouts).filter(([name]) => !DISPLAYED_READOUTS.has(name));
    const rows = [
      ["Clock", this.shown["clock-source"] ?? ""],
      ...others.map(([name, value]) => [labelOf(name), String(value)]),
      ["MIDI in", midiIn, figures.ports.midi_in],
      ["MIDI out", midiOut, figures.ports.midi_out],
      ["OSC", osc],
      ...timingRows(wiring, figures, offsetMs, source),
      ["Lateness of notes", lateness.p50 === undefined ? "nothing played yet" : `${lateness.p50} ms`, lateness.p99 === undefined ? "" : `p99 ${lateness.p99} ms`],
      ["Model speed", Object.entries(speeds).map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(", ") + " ms per token"],
      ["Panels open", String(figures.panels)],
      ["Refused", String(figures.refused), refusal],
    ]; // prettier-ignore
    const content = JSON.stringify(rows);
    if (content === this.shown.wiring) return;
    this.shown.wiring = content;
    this.elements.wiring.replaceChildren(
      ...rows.flatMap(([name, value, detail]) => {
        const description = createElement("dd", "", value);
        if (detail) description.append(" ", createElement("small", "", detail));
        return [createElement("dt", "", name), description];
      }),
    );
  }

  // Tells when a MIDI port is lost or back; `ports` is the jam's readout.
  showPorts(ports) {
    if (ports === undefined || ports === this.shown.ports) return;
    if (ports !== "ok") this.showNotice(`MIDI ${ports === "both lost" ? "input and output" : ports.split(" ")[0]} lost; it is used again when it is back`, true);
    else if (this.shown.ports !== undefined) this.showNotice("MIDI is back");
    this.shown.ports = ports;
  }

  // Shows a sentence for some seconds; an error stays a little longer.
  showNotice(sentence, isError = false) {
    const { notice } = this.elements;
    notice.textContent = sentence;
    notice.classList.toggle("is-error", isError);
    notice.classList.add("is-shown");
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => notice.classList.remove("is-shown"), isError ? ERROR_NOTICE_MS : NOTICE_MS);
  }

  // Hides a sentence that no longer holds, before its time.
  hideNotice(sentence) {
    const { notice } = this.elements;
    if (notice.textContent === sentence) notice.classList.remove("is-shown");
  }

  #showTurn(turn, timeline) {
    const { turn: box } = this.elements;
    const side = turn ? (turn.side ?? "count") : "";
    if (side !== this.shown.side) {
      this.shown.side = side;
      box.hidden = !turn;
      box.dataset.side = side;
      if (turn) this.#setText("turn-side", turn.side ? `${SIDE_TEXTS[turn.side]} play${turn.side === "partner" ? "s" : ""}` : "Count-in");
    }
    if (!turn) return;
    this.#setText("turn-bar", turn.side ? `bar ${turn.bar + 1} of ${turn.bars}` : `${SIDE_TEXTS[turn.nextSide]} in`);
    const unitsLeft = Math.ceil((turn.beatsLeft * timeline.meter[1]) / 4 - TOLERANCE_BEATS);
    this.#setText("turn-count", unitsLeft <= timeline.meter[0] ? String(unitsLeft) : "");
  }

  #setText(id, text) {
    if (this.shown[id] === text) return;
    this.shown[id] = text;
    this.elements[id].textContent = text;
  }
}
