// Puts the page together: who types, which chats are open, and the live line from the demo.

import { app } from "./actions.js";
import { answer, attach, clear, drawReply, fill, wireComposer } from "./composer.js";
import { alertBox, openModal, toast } from "./dialogs.js";
import { mark, redraw, redrawAll, stayAtEnd, update } from "./posts.js";
import { chatKey, isHere, keyOf, lastPicture, learnCommands, PLATFORMS, side, state } from "./state.js";

const RETRY_MS = 1500;
const people = [...document.querySelectorAll(".person")];
for (const each of people) state.names[each.dataset.who] = each.querySelector(".name").textContent;

// -- choosing ---------------------------------------------------------------------------------------------------------

function select(tabs, chosen, attribute = "aria-selected") {
  for (const tab of tabs) tab.setAttribute(attribute, String(tab === chosen));
}

// Arrow keys move between the tabs (or people) of one group.
function roving(tabs) {
  for (const [number, tab] of tabs.entries()) {
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = tabs[(number + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  }
}

async function become(person) {
  state.who = person.dataset.who;
  select(people, person, "aria-checked");
  for (const platform of PLATFORMS) { state.reply[platform] = null; drawReply(platform); }
  side("discord").querySelector(".slash").hidden = true;
  await learnCommands();
  redrawAll();
}

function wireTabs(platform) {
  const box = side(platform);
  const tabs = [...box.querySelectorAll("[data-chat]")];
  const topics = [...box.querySelectorAll("[data-topic]")];
  const opened = () => { clear(platform); redraw(platform); };
  for (const tab of tabs) tab.addEventListener("click", () => {
    state.chat[platform] = tab.dataset.chat;
    select(tabs, tab);
    tab.querySelector(".new").hidden = true;
    if (topics.length) box.querySelector(".topics").hidden = tab.dataset.chat !== "forum";
    const area = box.querySelector("textarea");
    area.placeholder = tab.dataset.chat === "dm" ? "Message @Imagine, or / for commands" : platform === "discord" ? "Message #general, or / for commands" : "Message, or / for commands";
    opened();
  });
  for (const topic of topics) topic.addEventListener("click", () => { state.topic = topic.dataset.topic; select(topics, topic); opened(); });
  roving(tabs);
  roving(topics);
}

function wireDown(platform) {
  const log = side(platform).querySelector(".log");
  const down = side(platform).querySelector(".down");
  log.addEventListener("scroll", () => { down.hidden = log.scrollHeight - log.scrollTop - log.clientHeight < 160; });
  down.addEventListener("click", () => log.scrollTo({ top: log.scrollHeight, behavior: "smooth" }));
}

function showSide(name) {
  document.body.dataset.side = name;
  select([...document.querySelectorAll("[data-side][role=tab]")], document.querySelector(`[data-side=${name}][role=tab]`));
  redraw(name);
}

function tryIdea(idea) {
  const { platform, text, sample, menu } = idea.dataset;
  showSide(platform);
  const wanted = "reply" in idea.dataset || menu ? lastPicture(platform) : null;
  if (("reply" in idea.dataset || menu) && !wanted) {
    toast(platform, "Make a picture first, then try this on it.");
    return;
  }
  if (menu) { app(wanted, menu); return; }
  clear(platform);
  if (wanted) answer(wanted);
  if (sample) attach(platform, [sample]);
  fill(platform, text);
}

// -- the live line ----------------------------------------------------------------------------------------------------

const receive = {
  hello() {
    state.posts.clear();
    document.querySelector(".offline").hidden = true;
    learnCommands().then(redrawAll);
    redrawAll();
  },
  post(post) {
    const isNew = !state.posts.has(keyOf(post));
    state.posts.set(keyOf(post), post);
    update(post);
    mark(post);
    // Telegram opens the answer field of the one who is asked.
    if (isNew && post.asks.includes(state.who) && isHere(post) && Date.now() / 1000 - post.at < 20) answer(post);
    if (post.deleted && state.reply[post.platform]?.id === post.id) { state.reply[post.platform] = null; drawReply(post.platform); }
  },
  notice(notice) {
    if (notice.person !== state.who || notice.chat !== chatKey(notice.platform)) return;
    if (notice.alert) alertBox(notice.text);
    else toast(notice.platform, notice.text);
  },
  modal(modal) {
    if (modal.person === state.who) openModal(modal);
  },
};

function connect() {
  const socket = new WebSocket(`ws://${location.host}/live`);
  socket.onmessage = ({ data }) => { const said = JSON.parse(data); receive[said.type](said); };
  socket.onclose = () => { document.querySelector(".offline").hidden = false; setTimeout(connect, RETRY_MS); };
}

for (const person of people) person.addEventListener("click", () => become(person));
roving(people);
for (const platform of PLATFORMS) { wireComposer(platform); wireTabs(platform); wireDown(platform); stayAtEnd(platform); }
for (const tab of document.querySelectorAll("[data-side][role=tab]")) tab.addEventListener("click", () => showSide(tab.dataset.side));
for (const idea of document.querySelectorAll(".idea")) idea.addEventListener("click", () => tryIdea(idea));
connect();
