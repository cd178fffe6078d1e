// What the page knows, and how it speaks to the demo.

export const state = {
  who: "ana",
  names: {}, // key -> shown name
  posts: new Map(), // "platform/chat/id" -> post, oldest first
  chat: { telegram: "group", discord: "general" },
  topic: "General",
  reply: { telegram: null, discord: null }, // the post that is being answered
  files: { telegram: [], discord: [] }, // what is attached: {file} or {sample}, with a url to show
  commands: { telegram: [], discord: { slash: [], menu: [] } },
};

export const PLATFORMS = ["telegram", "discord"];
export const keyOf = (post) => `${post.platform}/${post.chat}/${post.id}`;
export const side = (platform) => document.getElementById(platform);

// The chat's key in the stand-in: each person has private ones of their own.
export function chatKey(platform, chat = state.chat[platform]) {
  return chat === "private" || chat === "dm" ? `${chat}:${state.who}` : chat;
}

export function isHere(post) {
  if (post.chat !== chatKey(post.platform) || post.deleted || (post.only_for && post.only_for !== state.who)) return false;
  return post.chat !== "forum" || (post.thread ?? "General") === state.topic;
}

export const target = (platform, id, chat = chatKey(platform)) => state.posts.get(`${platform}/${chat}/${id}`);

// The newest picture in the open chat.
export function lastPicture(platform) {
  return [...state.posts.values()].filter((post) => post.platform === platform && isHere(post) && post.attachments.some((file) => file.mime.startsWith("image/"))).pop();
}

// Carry out an act; resolves to the answer, or rejects with a sentence.
export async function act(name, fields, lists = []) {
  const form = new FormData();
  for (const [key, value] of Object.entries({ who: state.who, ...fields })) if (value != null && value !== "") form.append(key, value);
  for (const [key, value] of lists) form.append(key, value);
  const answer = await fetch(`/do/${name}`, { method: "POST", body: form }).catch(() => { throw new Error("The demo has ended or is out of reach."); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error || `That did not work (${answer.status}).`);
  return said;
}

export async function learnCommands() {
  const answer = await fetch(`/commands?who=${state.who}`).catch(() => null);
  if (answer?.ok) state.commands = await answer.json();
}

// An element with properties, attributes and children.
export function make(tag, { data = {}, ...given } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

export const avatar = (key, name) => make("span", { class: "avatar", data: { colour: key }, "aria-hidden": "true" }, (name || key)[0]);
