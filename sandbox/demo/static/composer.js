// Where people write: text, pictures, what is being answered, and the list behind "/" and "@".

import { toast } from "./dialogs.js";
import { openSlash, runLine } from "./slash.js";
import { act, chatKey, make, side, state, target } from "./state.js";
import { excerpt } from "./text.js";

const part = (platform, name) => side(platform).querySelector(name);
const input = (platform) => part(platform, "textarea");

// Answer a post: shown above the composer until it is sent or taken back.
export function answer(post) {
  state.reply[post.platform] = post;
  drawReply(post.platform);
  input(post.platform).focus();
}

export function drawReply(platform) {
  const box = part(platform, ".replying");
  const post = state.reply[platform];
  box.hidden = !post;
  if (!post) return;
  const words = platform === "discord" ? ["Replying to ", make("b", {}, post.author_name)] : [make("b", {}, `Reply to ${post.author_name}`), excerpt(post)];
  box.replaceChildren(make("span", {}, ...words), make("button", { type: "button", class: "x", "aria-label": "Do not reply", onclick: () => { state.reply[platform] = null; drawReply(platform); } }, "✕"));
}

export function attach(platform, chosen) {
  for (const each of chosen) {
    const shown = typeof each === "string" ? { sample: each, url: `/samples/${encodeURIComponent(each)}` } : { file: each, url: URL.createObjectURL(each) };
    if (state.files[platform].length < 10) state.files[platform].push(shown);
  }
  drawFiles(platform);
  input(platform).focus();
}

export function drawFiles(platform) {
  const box = part(platform, ".files");
  const files = state.files[platform];
  const asFile = box.querySelector("input")?.checked ?? false;
  box.hidden = !files.length;
  const chips = files.map((each, number) => make("div", { class: "chip" }, make("img", { src: each.url, alt: each.sample ?? each.file.name }),
    make("button", { type: "button", class: "x", "aria-label": `Take away ${each.sample ?? each.file.name}`, onclick: () => { files.splice(number, 1); drawFiles(platform); } }, "✕")));
  if (platform === "telegram") {
    const tick = make("input", { type: "checkbox", "aria-label": "Send as file" });
    tick.checked = asFile;
    chips.push(make("label", { class: "as-file" }, tick, "Send as file"));
  }
  box.replaceChildren(...chips);
}

export function clear(platform) {
  state.reply[platform] = null;
  state.files[platform] = [];
  input(platform).value = "";
  drawReply(platform);
  drawFiles(platform);
  fit(input(platform));
  closePalette(platform);
}

function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

export function fill(platform, text) {
  const area = input(platform);
  area.value = text;
  fit(area);
  area.focus();
  area.setSelectionRange(text.length, text.length);
  suggest(platform);
}

async function send(platform) {
  const text = input(platform).value.trim();
  const files = state.files[platform];
  if (!text && !files.length) return;
  if (platform === "discord" && text.startsWith("/") && (await runLine(text, files, () => clear(platform)))) return;
  const reply = state.reply[platform];
  const fields = {
    platform, chat: chatKey(platform), text, reply_to: reply && target(platform, reply.id, reply.chat)?.id,
    thread: platform === "telegram" && state.chat.telegram === "forum" ? state.topic : "",
    as_file: part(platform, ".as-file input")?.checked ? "1" : "",
  };
  const attached = files.map((each) => ["file", each.file ?? each.sample]);
  clear(platform);
  try {
    await act("say", fields, attached);
  } catch (error) {
    toast(platform, error.message, true);
    if (!input(platform).value) fill(platform, text);
  }
}

// -- the list behind "/" and "@" --------------------------------------------------------------------------------------

function offers(platform) {
  const text = input(platform).value;
  const command = /^\/(\w*)$/.exec(text);
  if (command) {
    const known = platform === "telegram" ? state.commands.telegram : state.commands.discord.slash;
    return known.filter((each) => each.name.startsWith(command[1])).map((each) => ({
      label: `/${each.name}`, about: each.description,
      choose: () => (platform === "discord" ? (fill(platform, ""), openSlash(each)) : fill(platform, `/${each.name} `)),
    }));
  }
  const mention = /(^|\s)@(\w*)$/.exec(text);
  if (!mention) return [];
  const bot = platform === "telegram" ? document.body.dataset.bot : "bot";
  return [bot].filter((name) => name.startsWith(mention[2]) && name !== mention[2]).map((name) => ({
    label: `@${name}`, about: "Imagine, the bot", choose: () => fill(platform, `${text.slice(0, text.length - mention[2].length)}${name} `),
  }));
}

function suggest(platform) {
  const box = part(platform, ".palette");
  const found = offers(platform);
  box.hidden = !found.length;
  box.replaceChildren(...found.map((each, number) => make("button", {
    type: "button", role: "option", tabindex: "-1", "aria-selected": String(number === 0), "aria-label": each.label, onclick: each.choose,
  }, make("b", {}, each.label), make("span", {}, each.about))));
}

function closePalette(platform) {
  part(platform, ".palette").hidden = true;
}

function steer(platform, event) {
  const box = part(platform, ".palette");
  const items = box.hidden ? [] : [...box.children];
  const at = items.findIndex((each) => each.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (items.length && step) {
    event.preventDefault();
    const next = (at + step + items.length) % items.length;
    items.forEach((each, number) => each.setAttribute("aria-selected", String(number === next)));
    items[next].scrollIntoView({ block: "nearest" });
  } else if (items.length && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey && !isWhole(platform, items[at])))) {
    event.preventDefault();
    items[at].click();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send(platform);
  } else if (event.key === "Escape") {
    closePalette(platform);
    if (state.reply[platform]) { state.reply[platform] = null; drawReply(platform); }
  }
}

// On Telegram a command that is written out needs nothing more; on Discord its options are shown first.
function isWhole(platform, item) {
  return platform === "telegram" && item.getAttribute("aria-label") === input(platform).value;
}

// -- wiring -----------------------------------------------------------------------------------------------------------

export function wireComposer(platform) {
  const area = input(platform);
  const box = part(platform, ".attachments");
  const chooser = part(platform, "input[type=file]");
  const button = part(platform, ".attach");
  const toggle = (open) => { box.hidden = !open; button.setAttribute("aria-expanded", String(open)); };
  area.addEventListener("input", () => { fit(area); suggest(platform); });
  area.addEventListener("keydown", (event) => steer(platform, event));
  area.addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); attach(platform, pictures(event.clipboardData.files)); } });
  part(platform, "form").addEventListener("submit", (event) => { event.preventDefault(); send(platform); });
  button.addEventListener("click", () => toggle(box.hidden));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") { toggle(false); button.focus(); } });
  part(platform, ".upload").addEventListener("click", () => { toggle(false); chooser.click(); });
  chooser.addEventListener("change", () => { attach(platform, pictures(chooser.files)); chooser.value = ""; });
  for (const each of box.querySelectorAll("[data-sample]")) each.addEventListener("click", () => { toggle(false); attach(platform, [each.dataset.sample]); });
  addEventListener("click", (event) => { if (!box.contains(event.target) && !button.contains(event.target)) toggle(false); });
  wireDrop(platform);
}

function wireDrop(platform) {
  const box = side(platform);
  const zone = box.querySelector(".dropzone");
  let depth = 0;
  const over = (change) => { depth = Math.max(0, depth + change); zone.hidden = depth === 0; };
  box.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("dragleave", () => over(-1));
  box.addEventListener("drop", (event) => { event.preventDefault(); over(-depth); attach(platform, pictures(event.dataTransfer.files)); });
}

const pictures = (files) => [...files].filter((file) => file.type.startsWith("image/"));
