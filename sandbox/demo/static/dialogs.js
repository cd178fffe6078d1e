// What stands over the chats: toasts, notices to be closed, large pictures, and Discord's forms.

import { act, make, side } from "./state.js";

const TOAST_MS = 4500;

export function toast(platform, text, wrong = false) {
  const shown = make("div", { class: `toast${wrong ? " wrong" : ""}` }, text);
  side(platform).querySelector(".toasts").append(shown);
  setTimeout(() => shown.remove(), TOAST_MS);
}

export function alertBox(text) {
  const dialog = document.querySelector(".alert");
  dialog.replaceChildren(make("p", {}, text), make("div", { class: "buttons-end" }, make("button", { class: "strong", onclick: () => dialog.close() }, "OK")));
  if (!dialog.open) dialog.showModal();
}

// A film that starts when asked to, without sound, and goes on from the beginning.
export function film(file, label) {
  const shown = make("video", { class: "film", src: file.url, controls: true, loop: true, playsinline: true, preload: "metadata", "aria-label": label });
  shown.muted = true; // the attribute speaks only to the parser
  return shown;
}

export function lightbox(file, post) {
  const dialog = document.querySelector(".lightbox");
  const size = file.width ? `${file.width} × ${file.height} · ` : "";
  const shown = file.mime.startsWith("video/") ? film(file, file.filename) : make("img", { src: file.url, alt: file.filename });
  dialog.replaceChildren(shown, make("p", {}, `${post.author_name} · ${size}${file.filename}`));
  dialog.onclick = (event) => { if (event.target.tagName !== "VIDEO") dialog.close(); };
  dialog.onclose = () => dialog.replaceChildren();
  dialog.showModal();
}

export function openModal(modal) {
  const dialog = document.querySelector(".modal");
  const wrong = make("p", { class: "wrong", role: "alert" });
  const form = make("form", { method: "dialog" },
    make("h2", { id: "modal-title" }, make("img", { src: "/static/icon.svg", alt: "", width: "26" }), modal.title),
    ...modal.fields.map(field), wrong,
    make("div", { class: "buttons-end" },
      make("button", { type: "button", class: "plain", "aria-label": "Cancel the form", onclick: () => dialog.close() }, "Cancel"),
      make("button", { class: "strong", "aria-label": "Submit the form" }, "Submit")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = {};
    const lists = [];
    for (const each of modal.fields) {
      const { value, files } = form.elements[each.id];
      if (each.style === "file") for (const file of files) lists.push([`file:${each.id}`, file]);
      else if (each.style !== "select") values[each.id] = value;
      else if (value) { values[each.id] = value; lists.push(["select", each.id]); }
    }
    try {
      await act("submit", { who: modal.person, modal: modal.id, values: JSON.stringify(values) }, lists);
      dialog.close();
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  form.querySelector("textarea, input, select")?.focus();
}

function field(one) {
  const common = { name: one.id, "aria-label": one.label, required: one.required };
  const kinds = {
    paragraph: () => make("textarea", { ...common, placeholder: one.placeholder, maxlength: one.max_length }),
    short: () => make("input", { ...common, placeholder: one.placeholder, maxlength: one.max_length }),
    select: () => make("select", common, make("option", { value: "" }, one.placeholder || "Choose…"), ...one.choices.map(([label, value]) => make("option", { value }, label))),
    file: () => make("input", { ...common, type: "file" }),
  };
  const input = kinds[one.style]();
  if (one.style !== "file") input.value = one.value;
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && one.style === "paragraph" && (event.ctrlKey || event.metaKey)) input.form.requestSubmit();
  });
  return make("label", {}, make("span", {}, one.label, " ", one.required ? make("em", { "aria-hidden": "true" }, "*") : ""), !!one.description && make("small", {}, one.description), input);
}
