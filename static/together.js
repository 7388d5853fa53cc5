// Working together: comments that come by themselves, naming people, places in a text that are talked about, the bell.
// Every form here works without it. Before room.js and reader.js, which tell it what is selected.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // ---- Comments ----------------------------------------------------------------------------------------------------

  const threadsOf = (id) => find(`#comments-${CSS.escape(id)}`);

  function redraw(ids) {
    for (const id of ids) {
      const threads = threadsOf(id);
      if (threads) htmx.trigger(threads, "refresh");
    }
  }

  function recount() {
    for (const threads of all("[data-comments]")) {
      for (const count of all(`[data-comments-count="${CSS.escape(threads.dataset.comments)}"]`)) count.textContent = Number(threads.dataset.count) || "";
    }
  }

  // What was sent is kept: the form is empty again, and the one of a reply folds.
  function sent(form) {
    if (!form.matches?.("[data-comment-form]")) return;
    if (form.dataset.commentForm !== "keep") form.reset();
    unplace(form);
    form.closest("details.remark-more")?.removeAttribute("open");
  }

  // Shows the comment that the address names, whatever it is folded into.
  function showNamed() {
    const named = /^#comment-[\w-]+$/.test(location.hash) && find(location.hash);
    if (!named) return;
    for (let each = named.parentElement; each; each = each.parentElement) if (each.matches("details")) each.open = true;
    named.scrollIntoView({ block: "center" });
  }

  function showThread(id) {
    const thread = find(`#comment-${CSS.escape(id)}`);
    if (!thread) return;
    window.lectern.room.openSide("right");
    window.lectern.room.showTab("comments");
    for (const each of all(".remark.chosen")) each.classList.remove("chosen");
    thread.classList.add("chosen");
    thread.scrollIntoView({ block: "nearest" });
    thread.focus({ preventScroll: true });
  }

  // ---- The place that a new comment is about -----------------------------------------------------------------------

  const commentForm = () => find('[data-tab-name="comments"] [data-comment-form][id]');

  function unplace(form) {
    const place = find("[data-comment-place]", form);
    if (!place) return;
    place.hidden = true;
    for (const field of all("input", place)) field.disabled = true;
  }

  // fields: version, and start_char and end_char, or lines. words: what is quoted above the form.
  function commentOn(fields, words) {
    const form = commentForm();
    if (!form) return;
    const { openSide, showTab } = window.lectern.room;
    openSide("right");
    showTab("comments");
    unplace(form);
    const place = find("[data-comment-place]", form);
    for (const [name, value] of Object.entries(fields)) {
      const field = find(`[name="${name}"]`, place);
      field.value = value;
      field.disabled = false;
    }
    find("[data-comment-quote]", place).textContent = words.length > 300 ? `${words.slice(0, 300)}…` : words;
    place.hidden = false;
    find("textarea", form).focus();
  }

  // ---- Naming people: @ in a text, or a field that holds one address -----------------------------------------------

  const NAMED = /(?:^|[\s(])@([^\s@]*(?:@[\w.-]*)?)$/;
  const people = new Map(); // by address of the list, what it holds
  let box = null; // the list that is open, with the field it is for

  async function known(url) {
    if (!people.has(url)) people.set(url, fetch(url).then((reply) => (reply.ok ? reply.json() : { people: [] })).then((reply) => reply.people));
    return people.get(url);
  }

  function begun(field) {
    if ("mentionsWhole" in field.dataset) return { from: 0, words: field.value };
    const match = NAMED.exec(field.value.slice(0, field.selectionStart));
    return match && { from: field.selectionStart - match[1].length, words: match[1] };
  }

  async function offer(field) {
    const at = begun(field);
    if (!at) return closePeople();
    const list = await known(field.dataset.mentions);
    if (document.activeElement !== field) return closePeople();
    const words = at.words.toLowerCase();
    const fits = list.filter(({ email, name }) => `${name} ${email}`.toLowerCase().split(/[\s@.]+/).some((part) => part.startsWith(words)) || email.startsWith(words));
    if (!fits.length || (fits.length === 1 && fits[0].email === words)) return closePeople();
    openPeople(field, at, fits.slice(0, 8));
  }

  function openPeople(field, at, fits) {
    closePeople();
    const list = document.createElement("ul");
    list.className = "people";
    list.id = "people";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", field.dataset.mentionsLabel || "@");
    list.append(...fits.map(({ email, name }, index) => {
      const option = document.createElement("li");
      option.id = `person-${index}`;
      option.setAttribute("role", "option");
      option.dataset.email = email;
      if (name) option.appendChild(document.createElement("strong")).textContent = name;
      const address = option.appendChild(document.createElement("span"));
      address.className = name ? "small muted" : "";
      address.textContent = email;
      return option;
    }));
    document.body.append(list);
    box = { list, field, at, chosen: 0 };
    field.setAttribute("aria-controls", "people");
    field.setAttribute("aria-expanded", "true");
    const { left, bottom, top } = field.getBoundingClientRect();
    list.style.left = `${Math.min(left, innerWidth - list.offsetWidth - 12)}px`;
    list.style.top = `${bottom + list.offsetHeight + 4 < innerHeight ? bottom + 4 : Math.max(4, top - list.offsetHeight - 4)}px`;
    choose(0);
  }

  function closePeople() {
    if (!box) return;
    box.list.remove();
    for (const name of ["aria-controls", "aria-expanded", "aria-activedescendant"]) box.field.removeAttribute(name);
    box = null;
  }

  function choose(index) {
    const options = all("li", box.list);
    box.chosen = (index + options.length) % options.length;
    options.forEach((option, number) => option.setAttribute("aria-selected", String(number === box.chosen)));
    options[box.chosen].scrollIntoView({ block: "nearest" });
    box.field.setAttribute("aria-activedescendant", options[box.chosen].id);
  }

  function take(option) {
    const { field, at } = box;
    const whole = "mentionsWhole" in field.dataset;
    const end = whole ? field.value.length : field.selectionStart;
    field.setRangeText(whole ? option.dataset.email : `${option.dataset.email} `, at.from, end, "end");
    closePeople();
    field.focus();
  }

  function keyInPeople(event) {
    if (!box || event.target !== box.field || event.isComposing) return;
    if (event.key === "ArrowDown") choose(box.chosen + 1);
    else if (event.key === "ArrowUp") choose(box.chosen - 1);
    else if (event.key === "Enter" || event.key === "Tab") take(all("li", box.list)[box.chosen]);
    else if (event.key === "Escape") closePeople();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- What others ask, and cards that have changed -----------------------------------------------------------------

  // Puts the card of a question that somebody else has just asked where one's own would be.
  function showAsked(list) {
    for (const { answer, parent } of list) {
      if (find(`#card-${CSS.escape(answer)}`)) continue;
      const thread = parent && find(`#thread-${CSS.escape(parent)}`);
      const target = thread || find("#answers");
      if (target) htmx.ajax("GET", `/a/${answer}/card/?entry`, { source: target, target, swap: thread ? "beforeend" : "afterbegin" });
    }
  }

  function redrawCards(ids) {
    for (const id of ids) {
      const card = find(`article.answer:not(.column)#card-${CSS.escape(id)}`);
      if (card) htmx.ajax("GET", `/a/${id}/card/`, { source: card, target: card, swap: "outerMorph" });
    }
  }

  // ---- Wiring ------------------------------------------------------------------------------------------------------

  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-mentions]")) offer(event.target); });
  document.addEventListener("keydown", keyInPeople, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches?.("[data-comment-form] textarea")) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });
  document.addEventListener("focusout", () => setTimeout(() => { if (box && document.activeElement !== box.field) closePeople(); }, 150));
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest?.("#people li");
    if (!option) return;
    event.preventDefault();
    take(option);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-comment-unplace]");
    if (button) unplace(button.form);
  });
  document.addEventListener("lectern:commented", (event) => sent(event.target));
  document.addEventListener("htmx:after:swap", recount);
  document.addEventListener("asked", (event) => showAsked(JSON.parse(event.detail.data)));
  document.addEventListener("cards", (event) => redrawCards(JSON.parse(event.detail.data)));
  document.addEventListener("comments", (event) => redraw(JSON.parse(event.detail.data)));
  addEventListener("hashchange", showNamed);
  addEventListener("DOMContentLoaded", showNamed);

  window.lectern.together = { commentOn, showThread };
})();
