// Suggestions as one types, judgements without leaving the page, and keys. The page works without it.
"use strict";

const api = async (method, path, body) => {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const values = await answer.json();
  if (!answer.ok) throw new Error(values.detail);
  return values;
};

for (const input of document.querySelectorAll("[data-suggest]")) {
  const list = document.getElementById(input.getAttribute("list"));
  let timer, asked = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const number = ++asked;
      const query = new URLSearchParams({ prefix: input.value.slice(0, 100), space: input.dataset.suggest, limit: 8 });
      try {
        const found = await api("GET", `/v1/suggest?${query}`);
        if (number !== asked) return; // a later answer is on its way
        list.replaceChildren(...found.hits.map((hit) => Object.assign(document.createElement("option"), { value: hit.name })));
      } catch { list.replaceChildren(); }
    }, 120);
  });
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    const area = document.createElement("textarea");
    if (input.id !== "q" || (text.length <= 150 && !text.trim().includes("\n"))) return;
    event.preventDefault(); // an advert: its lines would be lost in a box of one line
    const form = Object.assign(document.createElement("form"), { method: "post", action: "/advert", hidden: true });
    Object.assign(area, { name: "text", value: text });
    form.append(area);
    document.body.append(form);
    form.submit();
  });
}

const show = (form, judgement) => {
  for (const button of form.querySelectorAll("[name=grade]"))
    button.setAttribute("aria-pressed", String(judgement?.grade === button.value));
  const undo = form.querySelector(".undo");
  undo.hidden = !judgement;
  undo.value = judgement?.id ?? "";
};

for (const form of document.querySelectorAll(".judge")) {
  form.addEventListener("submit", async (event) => {
    const button = event.submitter, said = form.querySelector(".said");
    if (!button) return;
    event.preventDefault();
    try {
      if (button.name === "undo") {
        await api("DELETE", `/v1/judgements/${button.value}`);
        const title = form.elements.title.value;
        const left = await api("GET", `/v1/judgements?${new URLSearchParams({ title })}`);
        show(form, left.judgements.find((one) => one.uri === form.elements.uri.value));
        said.textContent = "undone";
        form.closest(".hit").focus();
      } else {
        const { title, uri } = form.elements;
        show(form, await api("POST", "/v1/judgements", { title: title.value, uri: uri.value, grade: button.value }));
        said.textContent = "kept";
      }
    } catch (error) { said.textContent = error.message; }
  });
}

const hits = [...document.querySelectorAll(".hit:has(.judge)")];
const keys = { r: "[value=relevant]", c: "[value=contextual]", n: "[value=not]", u: ".undo:not([hidden])" };
for (const note of document.querySelectorAll(".keys")) note.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const at = hits.indexOf(document.activeElement?.closest(".hit"));
  if (event.key === "j" || event.key === "k") {
    const next = event.key === "j" ? at + 1 : Math.max(at - 1, 0);
    hits[Math.min(next, hits.length - 1)]?.focus();
  } else if (keys[event.key] && at >= 0) {
    hits[at].querySelector(`.judge ${keys[event.key]}`)?.click();
  } else return;
  event.preventDefault();
});
