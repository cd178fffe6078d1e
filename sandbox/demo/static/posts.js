// The messages of the open chats.

import { actionsOf, openMenu } from "./actions.js";
import { film, lightbox, toast } from "./dialogs.js";
import { act, avatar, chatKey, isHere, keyOf, make, PLATFORMS, side, state, target } from "./state.js";
import { clock, excerpt, written } from "./text.js";

const GROUPED = 420; // seconds within which one author's messages stand together
const EMPTY = {
  telegram: "Nothing here yet. Type /imagine and say what you would like to see.",
  discord: "Nothing here yet. Type / to see the commands.",
};

const log = (platform) => side(platform).querySelector(".log");
const isAtEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 120;

export function redraw(platform) {
  const box = log(platform);
  box.replaceChildren(...[...state.posts.values()].filter((post) => post.platform === platform && isHere(post)).map(draw));
  arrange(platform);
  box.scrollTop = box.scrollHeight;
}

export function redrawAll() {
  PLATFORMS.forEach(redraw);
}

// A new post, or a new state of a known one.
export function update(post) {
  const box = log(post.platform);
  const old = box.querySelector(`[data-key="${CSS.escape(keyOf(post))}"]`);
  if (!isHere(post)) {
    old?.remove();
    requote(box, post);
    arrange(post.platform);
    return;
  }
  const follow = isAtEnd(box) || post.author === state.who;
  const fresh = draw(post);
  if (!old) box.append(fresh);
  else {
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  requote(box, post);
  arrange(post.platform);
  if (follow) box.scrollTop = box.scrollHeight;
}

// The previews above its answers follow a post.
function requote(box, post) {
  for (const each of state.posts.values()) {
    if (each.platform !== post.platform || each.chat !== post.chat || each.reply_to !== post.id) continue;
    box.querySelector(`[data-key="${CSS.escape(keyOf(each))}"] .quote`)?.replaceWith(quote(each));
  }
}

// Whoever looks at the newest message goes on doing so while forms and pictures change the room there is.
export function stayAtEnd(platform) {
  const box = log(platform);
  let pinned = true;
  box.addEventListener("scroll", () => { pinned = isAtEnd(box); });
  const follow = () => { if (pinned) box.scrollTop = box.scrollHeight; };
  new ResizeObserver(follow).observe(box);
  box.addEventListener("load", follow, true);
}

// Which messages begin and end a run of one author's, and what an empty chat says.
function arrange(platform) {
  const box = log(platform);
  gather(box);
  const shown = [...box.querySelectorAll(".post")];
  box.querySelector(".empty")?.remove();
  if (!shown.length) box.append(make("p", { class: "empty" }, EMPTY[platform]));
  shown.forEach((each, number) => {
    const before = shown[number - 1]?.dataset;
    const joined = before && before.author === each.dataset.author && each.dataset.at - before.at < GROUPED && !each.classList.contains("answer");
    each.classList.toggle("first", !joined);
    if (before) shown[number - 1].classList.toggle("last", !joined);
    each.classList.add("last");
  });
}

// The messages of a Telegram album stand together.
function gather(box) {
  for (const each of box.querySelectorAll(":scope > .post[data-album]")) {
    let album = box.querySelector(`.mosaic[data-album="${CSS.escape(each.dataset.album)}"]`);
    if (!album) each.before(album = make("div", { class: "mosaic", data: { album: each.dataset.album } }));
    album.append(each);
  }
  for (const album of box.querySelectorAll(".mosaic:empty")) album.remove();
}

function draw(post) {
  const mine = post.author === state.who;
  const classes = ["post", mine && "mine", post.reply_to && "answer", post.via && post.platform === "discord" && "answer", post.only_for && "secret"];
  const box = make("article", {
    class: classes.filter(Boolean).join(" "),
    data: { key: keyOf(post), author: `${post.author}${post.only_for ?? ""}`, at: post.at, ...(post.album && { album: post.album }) },
    tabindex: "0",
    "aria-label": `${post.author_name}: ${excerpt(post)}`.slice(0, 160),
    oncontextmenu: (event) => { event.preventDefault(); openMenu(post, event.clientX, event.clientY); },
    onkeydown: (event) => { if (event.target === box && (event.key === "ContextMenu" || event.key === "Enter")) { event.preventDefault(); const at = box.getBoundingClientRect(); openMenu(post, at.left + 60, at.top + 24); } },
  });
  box.append(...(post.platform === "telegram" ? telegram(post) : discord(post)), tools(post));
  return box;
}

function tools(post) {
  const shown = actionsOf(post).map(([label, run]) => make("button", { type: "button", "aria-label": label, onclick: run }, label));
  return make("div", { class: "tools" }, ...shown);
}

function telegram(post) {
  const pictures = post.attachments.map((each) => picture(each, post, 320));
  const meta = make("span", { class: `meta${post.text ? "" : " bare"}` }, `${post.edited ? "edited " : ""}${clock(post.at)}`);
  const text = post.text && written("telegram", post.text);
  text?.append?.(meta);
  const author = post.chat.startsWith("private:") ? null : make("div", { class: "author", data: { ink: post.author } }, post.author_name);
  const bubble = make("div", { class: `bubble${post.attachments.some((each) => each.kind !== "document") ? " album" : ""}` }, author, quote(post), ...pictures, text || meta);
  return [avatar(post.author, post.author_name), make("div", { class: "stack" }, bubble, keys(post))];
}

function discord(post) {
  const who = make("div", { class: "who" },
    make("span", { class: "author", data: { ink: post.author } }, post.author_name),
    post.author === "bot" ? make("span", { class: "app" }, "APP") : null,
    make("span", { class: "time" }, clock(post.at)));
  const text = post.thinking
    ? make("div", { class: "thinking" }, make("i"), make("i"), make("i"), `${post.author_name} is thinking…`)
    : post.text && written("discord", post.text);
  if (post.text && post.edited && !post.thinking) text.append(make("span", { class: "meta" }, "(edited)"));
  const gallery = post.attachments.length ? make("div", { class: "gallery" }, ...post.attachments.map((each) => picture(each, post, 330))) : null;
  const secret = post.only_for && make("div", { class: "secret-note" }, "👁 Only you can see this · ",
    make("button", { type: "button", onclick: () => attempt(post, "delete", { post: post.id }) }, "Dismiss message"));
  return [avatar(post.author, post.author_name), quote(post) ?? via(post), who, text || null, gallery, keys(post), secret || null].filter(Boolean);
}

function via(post) {
  if (!post.via) return null;
  const [key, ...rest] = post.via.split(" ");
  return make("div", { class: "quote" }, avatar(key, state.names[key]), make("b", {}, state.names[key] ?? key), make("span", {}, rest.join(" ")));
}

function quote(post) {
  if (!post.reply_to) return null;
  const answered = target(post.platform, post.reply_to, post.chat);
  if (!answered || answered.deleted) return make("div", { class: "quote" }, make("span", {}, "Deleted message"));
  const parts = post.platform === "discord" ? [avatar(answered.author, answered.author_name)] : [];
  parts.push(make("b", {}, answered.author_name), make("span", {}, excerpt(answered)));
  return make("button", { type: "button", class: "quote", "aria-label": `Go to the message by ${answered.author_name}`, onclick: () => find(answered) }, ...parts);
}

function find(post) {
  const box = log(post.platform).querySelector(`[data-key="${CSS.escape(keyOf(post))}"]`);
  if (!box) return;
  box.scrollIntoView({ block: "center", behavior: "smooth" });
  box.classList.remove("found");
  requestAnimationFrame(() => box.classList.add("found"));
}

function picture(file, post, width) {
  const big = () => lightbox(file, post);
  const words = (what) => `${what} by ${post.author_name}: ${excerpt(post)}`.slice(0, 200);
  if (file.kind === "video" && file.mime.startsWith("video/")) return shaped(film(file, words("Video")), file, width);
  if (file.kind !== "photo") {
    const kilobytes = `${Math.max(1, Math.round(file.size / 1024))} KB`;
    const thumb = file.mime.startsWith("image/") ? make("img", { src: file.url, alt: "" }) : null;
    return make("button", { type: "button", class: "file", "aria-label": `Open ${file.filename}`, onclick: big }, thumb, make("span", {}, make("b", {}, file.filename), make("small", {}, kilobytes)));
  }
  const shown = make("button", { type: "button", class: "picture", "aria-label": "Open the picture", onclick: big },
    make("img", { src: file.url, alt: words("Picture") }));
  return shaped(shown, file, width);
}

function shaped(shown, file, width) {
  const wide = file.width || width;
  const tall = file.height || wide;
  shown.style.aspectRatio = `${wide} / ${Math.min(tall, wide * 1.4)}`;
  return shown;
}

function keys(post) {
  if (!post.buttons.length) return null;
  const press = (button) => make("button", {
    type: "button", class: `key ${button.style}`, disabled: button.disabled, "aria-label": button.label, data: { button: button.id },
    onclick: () => attempt(post, "press", { post: post.id, button: button.id }),
  }, button.label);
  return make("div", { class: "keys" }, ...post.buttons.map((row) => make("div", {}, ...row.map(press))));
}

function attempt(post, name, fields) {
  return act(name, { platform: post.platform, chat: post.chat, ...fields }).catch((error) => toast(post.platform, error.message, true));
}

// Posts that arrived where nobody looks put a dot on their tab.
export function mark(post) {
  if (post.deleted || post.revision || isHere(post) || (post.only_for && post.only_for !== state.who)) return;
  const chat = post.chat.split(":")[0];
  const personal = post.chat.includes(":");
  if (personal && post.chat !== chatKey(post.platform, chat)) return;
  const tab = side(post.platform).querySelector(`[data-chat="${chat}"]`);
  if (tab?.getAttribute("aria-selected") === "false") tab.querySelector(".new").hidden = false;
}
