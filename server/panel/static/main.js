// The page: creates its parts, hands the jam's messages to them, and draws sixty times a second.

import { JamConnection } from "./connection/jam_connection.js";
import { TokenDialog } from "./connection/token_dialog.js";
import { ActionButtons } from "./controls/action_buttons.js";
import { ControlPanel } from "./controls/control_panel.js";
import { MidiLearn } from "./controls/midi_learn.js";
import { ComputerKeys } from "./input/computer_keys.js";
import { connectMidiKeyboards, isMidiSupported } from "./input/midi_keyboards.js";
import { PlayerInput } from "./input/player_input.js";
import { ScreenPiano } from "./input/screen_piano.js";
import { Chords } from "./music/chords.js";
import { noteName } from "./music/pitches.js";
import { Timeline, turnAt } from "./music/timeline.js";
import { JamSound, SAME_NOTE_S } from "./sound/jam_sound.js";
import { PianoRoll } from "./view/piano_roll.js";
import { PlayedNotes } from "./view/played_notes.js";
import { StatusDisplay } from "./view/status_display.js";

const find = (id) => document.getElementById(id);
const CLICK_AHEAD_S = 0.1;
// The press that starts the sound arrives as a click this much later at most.
const SOUND_START_MS = 400;
const VELOCITY = { softest: 20, loudest: 127, step: 20 };
const HIGHEST_OCTAVE = 8;

// What the jam has sent last; `plan` is its planned notes with their seconds.
const jam = { timeline: null, chords: null, status: { state: "listening", turn: null, plan: [], band: [] }, plan: [], wiring: null, figures: null, readouts: {} };
const keyboard = { octave: 4, velocity: 90 };
let lastRefusal = "";
let lastClickBeat = -Infinity;
let soundStartedMs = -Infinity;

const connection = new JamConnection(handleMessage, onConnectionChanged);
const sound = new JamSound(() => connection.nowS());
const playerInput = new PlayerInput(connection, sound);
const playedNotes = new PlayedNotes();
const pianoRoll = new PianoRoll(find("roll"));
const statusDisplay = new StatusDisplay(find);
const send = (message) => connection.send(message);
const sendValue = (control, value) => {
  statusDisplay.hideNotice(lastRefusal);
  send({ type: "set", control, value });
};
const showNotice = (sentence, isError) => statusDisplay.showNotice(sentence, isError);
const midiLearn = new MidiLearn(find("learn"), find("learn-status"), { send, showNotice });
const controlPanel = new ControlPanel(find("control-groups"), sendValue, midiLearn);
const actionButtons = new ActionButtons(find("actions"), document.body, midiLearn, { sendValue, showNotice });
const tokenDialog = new TokenDialog(find("token-dialog"), () => connection.open());
const basePitch = () => (keyboard.octave + 1) * 12;
const velocity = () => keyboard.velocity;
const screenPiano = new ScreenPiano(find("piano"), playerInput, { basePitch, velocity });
new ComputerKeys(playerInput, { basePitch, velocity, shiftOctave, changeVelocity });

function handleMessage(message) {
  if (message.type === "refused") {
    lastRefusal = message.reason;
    showNotice(message.reason, true);
    controlPanel.showValues(message.values, true);
    return;
  }
  if (message.type === "welcome") handleWelcome(message);
  else if (message.bindings) midiLearn.update(message);
  if (message.time) jam.timeline = new Timeline(message.time);
  if (message.status) jam.status = message.status;
  if ("chords" in message) jam.chords = message.chords ? new Chords(message.chords) : null;
  for (const note of message.notes ?? []) {
    playedNotes.add(note, shareFromMemory(note));
    if (message.type === "news") sound.handleNote(note);
  }
  if (message.notes) showPlayedNotes();
  if (message.values) {
    controlPanel.showValues(message.values);
    actionButtons.showValues(message.values);
  }
  for (const action of message.actions ?? []) actionButtons.flash(action);
  Object.assign(jam.readouts, message.readouts);
  if (message.figures) jam.figures = message.figures;
  statusDisplay.showPorts(jam.readouts.ports);
  if (message.figures || message.readouts) {
    const { offset_ms: offsetMs = 0 } = controlPanel.values;
    statusDisplay.showWiring(jam.wiring, jam.figures, jam.readouts, lastRefusal, offsetMs, jam.timeline?.source);
  }
  if (message.time) statusDisplay.showTempo(jam.timeline);
  if (message.status) statusDisplay.showState(jam.status.state);
  if (message.time || message.status || message.values) updatePlan();
  if (message.notes?.length) document.body.classList.add("has-notes");
}

// The first message of a connection: everything that the jam knows.
function handleWelcome(message) {
  jam.wiring = message.wiring;
  playedNotes.clear();
  sound.stopAll();
  midiLearn.update(message);
  controlPanel.build(message.controls, message.values);
  actionButtons.build(message.controls, message.offers);
  midiLearn.show();
}

// Computes the planned notes with their seconds, for the roll and the sound.
function updatePlan() {
  const { timeline, status } = jam;
  if (!timeline) return;
  const { transpose = 0, offset_ms: offsetMs = 0 } = controlPanel.values;
  jam.plan = status.plan.map(([pitch, onsetBeat, beats, fromMemory]) => ({
    key: `${pitch}@${onsetBeat}`,
    pitch: pitch + transpose,
    onsetS: timeline.secondsAt(onsetBeat) + offsetMs / 1000,
    endS: timeline.secondsAt(onsetBeat + beats) + offsetMs / 1000,
    fromMemory,
  }));
  sound.setPlan(jam.plan);
  sound.setBandPlan(
    status.band.map(([instrument, pitch, onsetBeat, beats, velocity]) => ({
      key: `${instrument} ${pitch}@${onsetBeat}`,
      instrument,
      pitch,
      velocity,
      onsetS: timeline.secondsAt(onsetBeat),
      endS: timeline.secondsAt(onsetBeat + beats),
    })),
  );
  document.body.classList.toggle("has-band", status.band.length > 0);
  find("roll").dataset.planned = jam.plan.length;
}

// How much of a played note came from memory, 0 to 1: only the plan, in which it stood before, has that.
function shareFromMemory([side, atS, kind, pitch]) {
  if (side !== "partner" || kind !== "on") return 0;
  const planned = jam.plan.find((note) => note.pitch === pitch && Math.abs(note.onsetS - atS) < SAME_NOTE_S);
  return planned?.fromMemory ?? 0;
}

function showPlayedNotes() {
  const sounding = { player: new Set(playerInput.heldPitches.keys()), partner: new Set() };
  for (const note of playedNotes.soundingNotes.values()) sounding[note.side].add(note.pitch);
  screenPiano.showSounding(sounding);
  const partnerNotes = playedNotes.notes.filter((note) => note.side === "partner");
  find("roll").dataset.played = partnerNotes.length;
  find("roll").dataset.remembered = partnerNotes.filter((note) => note.fromMemory > 0).length;
}

function drawFrame() {
  const nowS = connection.nowS();
  const { timeline, status } = jam;
  playedNotes.prune(nowS);
  const { turn_bars: turnBars = 4, begins: firstSide = "player" } = controlPanel.values;
  if (timeline) {
    const beat = timeline.beatAt(nowS);
    const turn = turnAt(beat, status.turn, turnBars, firstSide, timeline);
    statusDisplay.showBeat(beat, timeline, turn);
    const chord = jam.chords?.at(beat) ?? null;
    statusDisplay.showChord(chord);
    screenPiano.showChord(chord?.pitchClasses ?? []);
    if (sound.isClickOn && (timeline.hasBars || turn)) scheduleClick(nowS);
  }
  pianoRoll.draw(nowS, {
    notes: playedNotes.notes,
    plan: jam.plan.filter((note) => note.endS > nowS),
    timeline,
    chords: jam.chords,
    turn: status.turn,
    turnBars,
    firstSide,
  });
  requestAnimationFrame(drawFrame);
}

// Schedules the metronome's next click once it is less than CLICK_AHEAD_S away.
function scheduleClick(nowS) {
  const { timeline } = jam;
  const { bar, beatsIntoBar } = timeline.barAt(timeline.beatAt(nowS + CLICK_AHEAD_S));
  const unitBeats = 4 / timeline.meter[1];
  const unit = Math.floor(beatsIntoBar / unitBeats + 1e-6);
  const beat = timeline.barLine(bar) + unit * unitBeats;
  if (Math.abs(beat - lastClickBeat) < unitBeats / 2 || timeline.secondsAt(beat) < nowS) return;
  lastClickBeat = beat;
  sound.scheduleClick(timeline.secondsAt(beat), unit === 0);
}

function shiftOctave(octaves) {
  playerInput.releaseAll();
  keyboard.octave = Math.min(Math.max(keyboard.octave + octaves, 0), HIGHEST_OCTAVE);
  find("octave").textContent = noteName(basePitch());
  screenPiano.draw();
}

function changeVelocity(steps) {
  const { softest, loudest, step } = VELOCITY;
  keyboard.velocity = Math.min(Math.max(keyboard.velocity + steps * step, softest), loudest);
  showNotice(`The keys play with velocity ${keyboard.velocity}`);
}

function onConnectionChanged(state, reason) {
  document.body.dataset.connection = state;
  find("banner").hidden = state !== "lost";
  find("banner").textContent = reason || "The connection to the jam is lost. The page tries again by itself.";
  if (state === "lost") {
    playerInput.releaseAll();
    sound.stopAll();
    playedNotes.clear();
    jam.plan = [];
    midiLearn.stopWaiting();
  }
  if (state === "locked") tokenDialog.askForToken();
}

async function startSound() {
  soundStartedMs = performance.now();
  await sound.start();
  find("sound").setAttribute("aria-pressed", String(!sound.isMuted));
}

function connectButtons() {
  for (const type of ["pointerup", "keydown"]) {
    addEventListener(type, () => sound.isRunning || startSound(), { capture: true });
  }
  find("sound").onclick = () => {
    // The press that started the sound is not meant to mute it.
    if (!sound.isRunning || performance.now() - soundStartedMs < SOUND_START_MS) return;
    sound.setMuted(!sound.isMuted);
    find("sound").setAttribute("aria-pressed", String(!sound.isMuted));
  };
  find("volume").oninput = (event) => sound.setVolume(event.target.value / 100);
  find("click").onclick = () => {
    sound.isClickOn = !sound.isClickOn;
    find("click").setAttribute("aria-pressed", String(sound.isClickOn));
  };
  find("play-blues").onclick = () => {
    const values = { chart: "blues", band: "full", mode: "fours" };
    for (const [control, value] of Object.entries(values)) {
      if (controlPanel.values[control] !== value) sendValue(control, value);
    }
    sendValue("play", 1);
  };
  find("octave-down").onclick = () => shiftOctave(-1);
  find("octave-up").onclick = () => shiftOctave(1);
  find("midi-keyboards").hidden = !isMidiSupported;
  find("midi-keyboards").onclick = () =>
    connectMidiKeyboards(playerInput, (names) => {
      showNotice(names.length ? `MIDI: ${names.join(", ")}` : "There is no MIDI keyboard; plug one in");
      find("midi-keyboards").setAttribute("aria-pressed", String(names.length > 0));
    }).catch(() => showNotice("The browser does not let this page use MIDI", true));
  playerInput.onChange = showPlayedNotes;
  playerInput.isBound = (cc, channel) => midiLearn.isBound(cc, channel);
}

connectButtons();
connection.open();
requestAnimationFrame(drawFrame);
