// Discord's slash commands: a form for their options, or the whole line typed at once.

import { toast } from "./dialogs.js";
import { act, chatKey, make, side, state } from "./state.js";

const STRING = 3, INTEGER = 4, BOOLEAN = 5, ATTACHMENT = 11;
const OFFER_MS = 180;
const box = () => side("discord").querySelector(".slash");

// "/imagine a fox --ar 16:9" straight away. Resolves to whether the line was a command.
export async function runLine(line, files, done) {
  const [, name, rest] = /^\/(\w+)\s*([\s\S]*)$/.exec(line) ?? [];
  const command = state.commands.discord.slash.find((each) => each.name === name);
  if (!command) return false;
  const words = command.options.find((each) => each.type === STRING);
  const places = command.options.filter((each) => each.type === ATTACHMENT);
  const options = rest && words ? { [words.name]: rest } : {};
  const attached = files.slice(0, places.length).map((each, number) => [`file:${places[number].name}`, each.file ?? each.sample]);
  const given = new Set([...Object.keys(options), ...attached.map(([key]) => key.slice(5))]);
  if (command.options.some((each) => each.required && !given.has(each.name))) {
    done();
    openSlash(command, options, files);
    return true;
  }
  done();
  await run(command, options, attached);
  return true;
}

async function run(command, options, attached) {
  try {
    await act("command", { chat: chatKey("discord"), name: command.name, options: JSON.stringify(options) }, attached);
    return true;
  } catch (error) {
    toast("discord", error.message, true);
    return false;
  }
}

// The form. Required options are there at once; the others are added by their names.
export function openSlash(command, values = {}, files = []) {
  if (!command.options.length) {
    run(command, {}, []);
    return;
  }
  const rows = new Map();
  const list = make("div", { class: "rows" });
  const more = make("div", { class: "more", role: "group", "aria-label": "More options" });
  list.style.display = "grid";
  list.style.gap = "8px";
  const add = (option, value) => {
    const row = fields(option, value, () => collect(rows), command, () => { rows.get(option.name).box.remove(); rows.delete(option.name); spare(); });
    rows.set(option.name, row);
    list.append(row.box);
    spare();
    return row;
  };
  const spare = () => more.replaceChildren(...command.options.filter((each) => !rows.has(each.name)).map((each) =>
    make("button", { type: "button", title: each.description, "aria-label": `Add ${each.name}`, onclick: () => add(each).focus() }, `+ ${each.name}`)));
  const close = () => { box().hidden = true; side("discord").querySelector("textarea").focus(); };
  const submit = async () => {
    const { options, attached, missing } = collect(rows);
    if (missing) { toast("discord", `${missing} is needed`, true); rows.get(missing).focus(); return; }
    if (await run(command, options, attached)) close();
  };
  const head = make("h3", {}, `/${command.name}`, make("span", {}, command.description), make("button", { type: "button", class: "x", "aria-label": "Close the command", onclick: close }, "✕"));
  const unused = [...files];
  for (const option of command.options) {
    const file = option.type === ATTACHMENT ? unused.shift() : null;
    if (option.required || option.name in values || file) add(option, file ?? values[option.name]);
  }
  if (!rows.size) add(command.options[0]);
  box().replaceChildren(head, list, more, make("button", { type: "button", class: "strong run", "aria-label": `Run /${command.name}`, onclick: submit }, "Run"));
  box().onkeydown = (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && event.target.tagName === "INPUT") { event.preventDefault(); submit(); }
  };
  box().hidden = false;
  [...rows.values()].find((row) => !row.filled())?.focus();
}

function collect(rows) {
  const options = {};
  const attached = [];
  let missing = null;
  for (const [name, row] of rows) {
    const value = row.value();
    if (value == null || value === "") missing ??= row.required ? name : null;
    else if (row.isFile) attached.push([`file:${name}`, value]);
    else options[name] = value;
  }
  return { options, attached, missing };
}

function fields(option, value, given, command, remove) {
  const made = option.type === ATTACHMENT ? picker(option, value) : option.type === BOOLEAN ? yesNo(option, value) : line(option, value, given, command);
  const label = make("label", { title: option.description }, option.name);
  const away = option.required ? make("span") : make("button", { type: "button", class: "x", "aria-label": `Remove ${option.name}`, onclick: remove }, "✕");
  return { ...made, required: option.required, isFile: option.type === ATTACHMENT, filled: () => Boolean(made.value()), box: make("div", { class: "option" }, label, made.input, away, made.beside ?? "") };
}

function yesNo(option, value) {
  const input = make("select", { "aria-label": option.name }, make("option", { value: "true" }, "Yes"), make("option", { value: "false" }, "No"));
  if (value != null) input.value = value;
  return { input, value: () => input.value, focus: () => input.focus() };
}

function line(option, value, given, command) {
  const input = make("input", { "aria-label": option.name, placeholder: option.description, type: option.type === INTEGER ? "number" : "text", min: option.min, max: option.max, autocomplete: "off" });
  input.value = value ?? "";
  if (!option.autocomplete) return { input, value: () => input.value.trim(), focus: () => input.focus() };
  const beside = make("div", { class: "offers", role: "listbox", "aria-label": `Choices for ${option.name}` });
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const number = ++asked;
    const { options } = given();
    delete options[option.name];
    const said = await act("autocomplete", { chat: chatKey("discord"), name: command.name, option: option.name, typed: input.value, options: JSON.stringify(options) }).catch(() => ({ choices: [] }));
    if (number !== asked) return;
    beside.replaceChildren(...said.choices.map((each) => make("button", { type: "button", role: "option", "aria-label": each.name, onclick: () => { input.value = each.value; beside.replaceChildren(); asked += 1; input.focus({ preventScroll: true }); } }, each.name)));
  };
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, OFFER_MS); });
  return { input, beside, value: () => input.value.trim(), focus: () => { input.focus(); ask(); } };
}

function picker(option, value) {
  let chosen = value ?? null;
  const shown = make("span");
  const input = make("div", { class: "pick" });
  const chooser = make("input", { type: "file", accept: "image/*", "aria-label": option.name, hidden: true });
  const samples = make("select", { "aria-label": `${option.name}: a sample` }, make("option", { value: "" }, "or a sample…"),
    ...[...side("discord").querySelectorAll("[data-sample]")].map((each) => make("option", { value: each.dataset.sample }, each.dataset.sample)));
  samples.style.width = "auto";
  const draw = () => shown.replaceChildren(chosen ? make("img", { src: chosen.url, alt: chosen.sample ?? chosen.file.name }) : "");
  const button = make("button", { type: "button", class: "plain", onclick: () => chooser.click() }, "Choose a file…");
  chooser.addEventListener("change", () => { const [file] = chooser.files; if (file) { chosen = { file, url: URL.createObjectURL(file) }; samples.value = ""; draw(); } });
  samples.addEventListener("change", () => { chosen = samples.value ? { sample: samples.value, url: `/samples/${encodeURIComponent(samples.value)}` } : null; draw(); });
  input.append(shown, button, samples, chooser);
  draw();
  return { input, value: () => chosen && (chosen.file ?? chosen.sample), focus: () => button.focus() };
}
