// What can be done with a message: beside it, and by right click.

import { answer } from "./composer.js";
import { toast } from "./dialogs.js";
import { act, make, state } from "./state.js";

const menu = document.querySelector(".menu");

// (label, what it does, whether it is one of Discord's Apps, whether it destroys)
export function actionsOf(post) {
  const found = [["Reply", () => answer(post)]];
  if (post.platform === "discord" && !post.only_for) {
    for (const each of state.commands.discord.menu) found.push([each.label, () => app(post, each.name), true]);
  }
  if (post.author === state.who) found.push(["Delete", () => remove(post), false, true]);
  return found;
}

export function app(post, name) {
  return act("menu", { chat: post.chat, post: post.id, name }).catch((error) => toast("discord", error.message, true));
}

function remove(post) {
  return act("delete", { platform: post.platform, chat: post.chat, post: post.id }).catch((error) => toast(post.platform, error.message, true));
}

export function openMenu(post, x, y) {
  const items = actionsOf(post).map(([label, run, isApp, destroys]) => [
    isApp ? make("p", {}, "Apps") : null,
    make("button", { type: "button", role: "menuitem", class: destroys ? "danger" : "", "aria-label": isApp ? `Apps: ${label}` : label, onclick: () => { closeMenu(); run(); } }, label),
  ]).flat().filter(Boolean);
  menu.replaceChildren(...items);
  menu.hidden = false;
  menu.style.left = `${Math.min(x, innerWidth - menu.offsetWidth - 8)}px`;
  menu.style.top = `${Math.min(y, innerHeight - menu.offsetHeight - 8)}px`;
  menu.querySelector("button").focus();
}

export function closeMenu() {
  menu.hidden = true;
}

addEventListener("click", (event) => { if (!menu.contains(event.target)) closeMenu(); });
addEventListener("blur", closeMenu);
menu.addEventListener("keydown", (event) => {
  const items = [...menu.querySelectorAll("button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  if (event.key === "Escape") closeMenu();
});
