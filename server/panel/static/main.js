// The page: puts the parts together, and passes on what the jam tells.

import { Band, SAME_NOTE_S } from "./band.js";
import { Controls } from "./controls.js";
import { Deck } from "./deck.js";
import { Door } from "./door.js";
import { Hands } from "./hands.js";
import { ComputerKeys } from "./keys.js";
import { Lessons } from "./lessons.js";
import { Link } from "./link.js";
import { nameOf } from "./notes.js";
import { Piano } from "./piano.js";
import { Roll } from "./roll.js";
import { Score } from "./score.js";
import { Stand } from "./stand.js";
import { Timeline, turnAt } from "./timeline.js";
import { hasWebMidi, listen } from "./webmidi.js";

const find = (id) => document.getElementById(id);
const CLICK_AHEAD_S = 0.1;
const WAKING_MS = 400;
const HARDNESS = { softest: 20, loudest: 127, step: 20 };

const stage = { timeline: null, standing: { state: "listening", turn: null, plan: [] }, wiring: null, figures: null };
const touch = { octave: 4, velocity: 90 };
let refusal = "";
let clickedBeat = -Infinity;
let wokeMs = -Infinity;

const link = new Link(hear, lineChanged);
const band = new Band(() => link.nowS());
const hands = new Hands(link, band);
const score = new Score();
const roll = new Roll(find("roll"));
const stand = new Stand(find);
const set = (control, value) => link.send({ type: "set", control, value });
const say = (text, isWrong) => stand.say(text, isWrong);
const lessons = new Lessons(find("learn"), find("lesson"), { send: (message) => link.send(message), say });
const controls = new Controls(find("groups"), set, lessons);
const deck = new Deck(find("deck"), document.body, lessons, { send: set, say });
const door = new Door(find("door"), () => link.open());
const playing = { pitchOfA: () => (touch.octave + 1) * 12, velocity: () => touch.velocity, shift, harder };
const piano = new Piano(find("piano"), hands, playing);
new ComputerKeys(hands, playing);

function hear(message) {
  if (message.type === "refused") {
    refusal = message.reason;
    stand.say(message.reason, true);
    controls.show(message.values, true);
    return;
  }
  if (message.type === "welcome") welcome(message);
  else if (message.bindings) lessons.take(message);
  if (message.time) stage.timeline = new Timeline(message.time);
  if (message.stands) stage.standing = message.stands;
  for (const note of message.notes ?? []) {
    score.take(note, fromMemory(note));
    if (message.type === "news") band.take(note);
  }
  if (message.notes) light();
  if (message.values) {
    controls.show(message.values);
    deck.show(message.values);
  }
  for (const action of message.asked ?? []) deck.flash(action);
  if (message.figures) {
    stage.figures = message.figures;
    stand.showWiring(stage.wiring, stage.figures, refusal);
  }
  if (message.time) stand.showTime(stage.timeline);
  if (message.stands) stand.showState(stage.standing.state);
  if (message.time || message.stands || message.values) plan();
  if (message.notes?.length) document.body.classList.add("is-played");
}

function welcome(message) {
  stage.wiring = message.wiring;
  score.clear();
  band.silence();
  lessons.take(message);
  controls.build(message.controls, message.values);
  deck.build(message.controls, message.offers);
  lessons.show();
}

// The plan with its seconds, as the roll draws it and the band plays it.
function plan() {
  const { timeline, standing } = stage;
  if (!timeline) return;
  const { transpose = 0, offset_ms: offsetMs = 0 } = controls.values;
  band.setPlan(standing.plan, timeline, transpose, offsetMs);
  stage.plan = standing.plan.map(([pitch, beat, beats, share]) => ({
    pitch: pitch + transpose,
    dueS: timeline.secondsAt(beat) + offsetMs / 1000,
    endS: timeline.secondsAt(beat + beats) + offsetMs / 1000,
    fromMemory: share,
  }));
  find("roll").dataset.planned = standing.plan.length;
}

// How much of a note came from memory, as the plan had it that was told of before.
function fromMemory([side, atS, kind, pitch]) {
  if (side !== "partner" || kind !== "on") return 0;
  const planned = stage.plan?.find((note) => note.pitch === pitch && Math.abs(note.dueS - atS) < SAME_NOTE_S);
  return planned?.fromMemory ?? 0;
}

function light() {
  const sounding = { player: new Set(hands.held.keys()), partner: new Set() };
  for (const note of score.open.values()) sounding[note.side].add(note.pitch);
  piano.show(sounding);
  const played = score.notes.filter((note) => note.side === "partner");
  find("roll").dataset.played = played.length;
  find("roll").dataset.remembered = played.filter((note) => note.fromMemory > 0).length;
}

function frame() {
  const nowS = link.nowS();
  const { timeline, standing } = stage;
  score.prune(nowS);
  const { turn_bars: turnBars = 4, begins = "player" } = controls.values;
  if (timeline) {
    const beat = timeline.beatAt(nowS);
    const turn = turnAt(beat, standing.turn, turnBars, begins, timeline);
    stand.showBeat(beat, timeline, turn);
    if (band.clicks && (timeline.hasBars || turn)) click(nowS);
  }
  roll.draw(nowS, {
    notes: score.notes,
    plan: (stage.plan ?? []).filter((note) => note.endS > nowS),
    timeline,
    turn: standing.turn,
    turnBars,
    begins,
  });
  requestAnimationFrame(frame);
}

function click(nowS) {
  const { timeline } = stage;
  const { bar, into } = timeline.barAt(timeline.beatAt(nowS + CLICK_AHEAD_S));
  const unit = 4 / timeline.meter[1];
  const place = Math.floor(into / unit + 1e-6);
  const beat = timeline.barLine(bar) + place * unit;
  if (Math.abs(beat - clickedBeat) < unit / 2 || timeline.secondsAt(beat) < nowS) return;
  clickedBeat = beat;
  band.click(timeline.secondsAt(beat), place === 0);
}

function shift(octaves) {
  hands.releaseAll();
  touch.octave = Math.min(Math.max(touch.octave + octaves, 0), 8);
  find("octave").textContent = nameOf(playing.pitchOfA());
  piano.draw();
}

function harder(steps) {
  const { softest, loudest, step } = HARDNESS;
  touch.velocity = Math.min(Math.max(touch.velocity + steps * step, softest), loudest);
  stand.say(`The keys play with velocity ${touch.velocity}`);
}

function lineChanged(line, reason) {
  document.body.dataset.line = line;
  find("banner").hidden = line !== "lost";
  find("banner").textContent = reason || "The line to the jam is lost. It is tried again by itself.";
  if (line === "lost") {
    hands.releaseAll();
    band.silence();
    score.clear();
    stage.plan = [];
    lessons.forget();
  }
  if (line === "door") door.ask();
}

async function wake() {
  wokeMs = performance.now();
  await band.wake();
  document.body.classList.add("has-sound");
  find("sound").setAttribute("aria-pressed", String(!band.isMuted));
}

function wire() {
  for (const type of ["pointerup", "keydown"]) addEventListener(type, () => band.isOn || wake(), { capture: true });
  find("sound").onclick = () => {
    // The press that woke it is not meant to mute it.
    if (!band.isOn || performance.now() - wokeMs < WAKING_MS) return;
    band.mute(!band.isMuted);
    find("sound").setAttribute("aria-pressed", String(!band.isMuted));
  };
  find("volume").oninput = (event) => band.setVolume(event.target.value / 100);
  find("click").onclick = () => {
    band.clicks = !band.clicks;
    find("click").setAttribute("aria-pressed", String(band.clicks));
  };
  find("octave-down").onclick = () => shift(-1);
  find("octave-up").onclick = () => shift(1);
  find("webmidi").hidden = !hasWebMidi;
  find("webmidi").onclick = () =>
    listen(hands, (names) => {
      const text = names.length ? `MIDI: ${names.join(", ")}` : "No MIDI keyboard is there; plug one in";
      stand.say(text);
      find("webmidi").setAttribute("aria-pressed", String(names.length > 0));
    }).catch(() => stand.say("The browser does not let this page have MIDI", true));
  hands.onChange = light;
  hands.isBound = (number, channel) => lessons.isBound(number, channel);
}

wire();
link.open();
requestAnimationFrame(frame);
