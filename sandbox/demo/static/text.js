// A post's words as its chat program draws them.

import { make, state } from "./state.js";

const PATTERNS = {
  telegram: /(?<command>(?<![\w/])\/[a-z]\w*(?!\w*\/))|(?<mention>@\w{3,})|(?<url>https?:\/\/\S+)/g,
  discord: /\\(?<escaped>[\\*_~`|>#<@:\[\]()-])|\*\*(?<bold>.+?)\*\*|`(?<code>[^`]+)`|<\/(?<slash>[^:>]+):\d+>|<t:(?<time>\d+)(?::(?<style>\w))?>|(?<mention>@\w{3,})|<?(?<url>https?:\/\/[^\s>]+)>?|\*(?<italic>[^*\n]+)\*|(?<![\w])_(?<under>[^_\n]+)_(?![\w])/g,
};
const SPANS = [["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export function written(platform, text) {
  const box = make("div", { class: "text" });
  if (platform === "telegram") {
    box.append(...pieces(platform, text));
    return box;
  }
  text.split("\n").forEach((line, number) => {
    if (number) box.append("\n");
    const small = line.startsWith("-# ");
    const quoted = line.startsWith("> ");
    const plain = small ? line.slice(3) : quoted ? line.slice(2) : line.replace(/^#{1,3} /, "");
    const parts = pieces(platform, plain);
    const tag = small ? "small" : quoted ? "blockquote" : plain === line ? null : "b";
    box.append(...(tag ? [make(tag, {}, ...parts)] : parts));
  });
  return box;
}

function pieces(platform, text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(PATTERNS[platform])) {
    found.push(text.slice(at, match.index), drawn(platform, match.groups));
    at = match.index + match[0].length;
  }
  return [...found, text.slice(at)];
}

function drawn(platform, one) {
  if (one.escaped) return one.escaped;
  if (one.bold) return make("b", {}, ...pieces(platform, one.bold));
  if (one.italic || one.under) return make("i", {}, ...pieces(platform, one.italic || one.under));
  if (one.code) return make("code", {}, one.code);
  if (one.time) return make("span", { class: "mention", title: new Date(one.time * 1000).toLocaleString() }, when(one.time, one.style));
  if (one.slash) return make("span", { class: "mention" }, `/${one.slash}`);
  if (one.command) return make("span", { class: "link" }, one.command);
  if (one.url) return make("span", { class: "link" }, one.url);
  const name = one.mention.slice(1);
  const shown = platform === "discord" && (name === "bot" ? "Imagine" : state.names[name]);
  return make("span", { class: platform === "discord" ? "mention" : "link" }, `@${shown || name}`);
}

function when(seconds, style) {
  const date = new Date(seconds * 1000);
  if (style !== "R") return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const off = seconds - Date.now() / 1000;
  const [unit, size] = SPANS.find(([, length]) => Math.abs(off) >= length) ?? SPANS.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(off / size), unit);
}

// One line of it, for a reply's preview.
export function excerpt(post) {
  const named = post.text.replace(/@(\w+)/g, (whole, name) => (state.names[name] ? `@${state.names[name]}` : whole));
  const bare = named.replace(/<\/([^:>]+):\d+>/g, "/$1").replace(/\*\*|^-# /gm, "").replace(/\\(?=\W)/g, "").split("\n").map((line) => line.trim()).find(Boolean);
  return bare || ({ photo: "Picture", video: "Video", document: "File" }[post.attachments[0]?.kind] ?? "Message");
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
