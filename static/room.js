// What every page with answers shares: panes that resize and fold, tabs, citations, cards beside a link, menus.
// A page that has the text itself (reader.js, code.js) says how a link into it is followed: lectern.room.follow.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const room = find(".room");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function remember(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(`lectern-${key}`);
      localStorage.setItem(`lectern-${key}`, value);
    } catch {
      // Storage may be closed to us; the choice then lasts for this page.
    }
    return null;
  }

  // ---- Panes -------------------------------------------------------------------------------------------------------

  const LIMITS = { left: [180, 480], right: [300, 900] };

  function setWidth(side, pixels) {
    const [least, most] = LIMITS[side];
    const width = Math.round(Math.min(most, innerWidth * 0.6, Math.max(least, pixels)));
    room.style.setProperty(`--${side}`, `${width}px`);
    tellWidth(side, width);
    remember(`width-${side}`, width);
  }

  function tellWidth(side, width) {
    const handle = find(`[data-handle="${side}"]`);
    const [least, most] = LIMITS[side];
    handle.setAttribute("aria-valuemin", least);
    handle.setAttribute("aria-valuemax", most);
    handle.setAttribute("aria-valuenow", width);
  }

  const paneOf = (side) => find(side === "left" ? ".pane-outline" : ".pane-side");

  function prepareHandle(handle) {
    const side = handle.dataset.handle;
    const away = side === "left" ? 1 : -1;
    const kept = Number(remember(`width-${side}`));
    if (kept) setWidth(side, kept);
    else tellWidth(side, paneOf(side).offsetWidth);
    handle.addEventListener("pointerdown", (event) => {
      const from = event.clientX;
      const width = paneOf(side).offsetWidth;
      handle.setPointerCapture(event.pointerId);
      handle.classList.add("dragged");
      handle.onpointermove = (move) => setWidth(side, width + away * (move.clientX - from));
      handle.onlostpointercapture = () => { handle.onpointermove = null; handle.classList.remove("dragged"); };
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -away, ArrowRight: away }[event.key];
      if (!step) return;
      setWidth(side, paneOf(side).offsetWidth + step * 24);
      event.preventDefault();
    });
  }

  function fold(side, folded) {
    room.classList.toggle(`no-${side}`, folded);
    find(`[data-fold="${side}"]`).setAttribute("aria-pressed", String(!folded));
    remember(`fold-${side}`, folded ? "1" : "");
  }

  // On a phone one pane shows at a time; elsewhere a folded one is opened for what is to be seen in it.
  function showPane(name) {
    const radio = find(`.pane-switch [value="${name}"]`);
    if (radio) radio.checked = true;
  }

  function openSide(side) {
    if (room.classList.contains(`no-${side}`)) fold(side, false);
    showPane(side === "left" ? "outline" : "side");
  }

  function showTab(name) {
    const side = find(".pane-side");
    side.dataset.tab = name;
    for (const link of all("[data-tab-link]")) {
      if (link.dataset.tabLink === name) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    document.dispatchEvent(new CustomEvent("lectern:tab"));
  }

  // The citations of the card that is open.
  const openCitations = () => all(`[data-tab-name="${find(".pane-side")?.dataset.tab}"] .cite`);

  function askAbout(words) {
    const box = find("#question-text");
    if (!box) return;
    box.value = words;
    openSide("right");
    showTab("ask");
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }

  // ---- Citations ---------------------------------------------------------------------------------------------------

  function showQuote(chip) {
    const quote = find("#quote");
    if (!quote) return;
    find(".quote-words", quote).textContent = chip.dataset.quote;
    find(".quote-where", quote).textContent = chip.dataset.where;
    quote.classList.toggle("quote-code", "path" in chip.dataset);
    quote.hidden = false;
    const at = chip.getBoundingClientRect();
    const left = Math.min(innerWidth - quote.offsetWidth - 12, Math.max(12, at.left - quote.offsetWidth / 2));
    const below = at.bottom + 8 + quote.offsetHeight < innerHeight;
    quote.style.left = `${left}px`;
    quote.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - quote.offsetHeight - 8)}px`;
    chip.setAttribute("aria-describedby", "quote");
  }

  const hideQuote = () => { const quote = find("#quote"); if (quote) quote.hidden = true; };

  function followCitation(link, event) {
    const source = link.closest("[data-sources]") && link.matches(".cite") && !link.closest(".thread") && find(`#source-${link.textContent}`);
    if (source) {
      event.preventDefault();
      for (const each of all(".source.chosen")) each.classList.remove("chosen");
      source.classList.add("chosen");
      source.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
      return;
    }
    if (!window.lectern.room.follow?.(link)) return;
    event.preventDefault();
    hideQuote();
    for (const each of all("[data-start][aria-current]")) each.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  }

  // ---- A card beside a link: a term, a reference or a name with what it leans on ----------------------------------------

  const leanCard = find("#lean-card");
  const HOVER_MS = 180;
  let leanShown = null; // the link whose card is open
  let leanTimer = 0;

  async function showLean(link) {
    clearTimeout(leanTimer);
    if (!leanCard || link === leanShown) return;
    hideLean();
    leanShown = link;
    const reply = await fetch(link.dataset.card || link.href, { headers: { "HX-Request": "true" } });
    if (!reply.ok || link !== leanShown) return;
    leanCard.innerHTML = await reply.text();
    if (link !== leanShown) return;
    leanCard.hidden = false;
    link.setAttribute("aria-describedby", "lean-card");
    besides(leanCard, link.getBoundingClientRect());
  }

  function hideLean() {
    clearTimeout(leanTimer);
    leanShown?.removeAttribute("aria-describedby");
    leanShown = null;
    if (leanCard) leanCard.hidden = true;
  }

  function besides(box, at) {
    const below = at.bottom + 8 + box.offsetHeight < innerHeight;
    box.style.left = `${Math.min(innerWidth - box.offsetWidth - 12, Math.max(12, at.left))}px`;
    box.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - box.offsetHeight - 6)}px`;
  }

  // Moves to the next or the last such link in sight, for whoever has no pointer.
  function stepLean(step, pane) {
    const frame = pane.getBoundingClientRect();
    const inSight = all(".lean", pane).filter((link) => {
      const { top, bottom } = link.getBoundingClientRect();
      return bottom > frame.top && top < frame.bottom;
    });
    if (!inSight.length) return;
    const at = inSight.indexOf(document.activeElement);
    inSight[at < 0 ? (step > 0 ? 0 : inSight.length - 1) : (at + step + inSight.length) % inSight.length].focus();
  }

  // A finger has nothing to hover with: its first touch opens the card, which leads on.
  function touchedLean(link, event) {
    if (event.pointerType !== "touch" && link.hasAttribute("href")) return false;
    showLean(link);
    return true;
  }

  function watchLeans() {
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch") return;
      const link = event.target.closest?.(".lean");
      clearTimeout(leanTimer);
      if (link) leanTimer = setTimeout(() => showLean(link), HOVER_MS);
      else if (leanShown && !event.target.closest?.("#lean-card") && document.activeElement !== leanShown) leanTimer = setTimeout(hideLean, HOVER_MS);
    });
    document.addEventListener("focusin", (event) => {
      const link = event.target.closest?.(".lean");
      if (link?.matches(":focus-visible")) showLean(link);
      else if (leanShown && !event.target.closest?.("#lean-card")) hideLean();
    });
    document.addEventListener("pointerdown", (event) => { if (!event.target.closest?.(".lean, #lean-card")) hideLean(); });
  }

  // ---- Cards and the boxes to ask with -----------------------------------------------------------------------------

  const keptOpen = new Map();

  function watchCards() {
    document.addEventListener("lectern:asked", (event) => {
      const box = event.target.querySelector?.("textarea");
      if (!box) return;
      box.value = "";
      event.target.closest?.("details.follow-up")?.removeAttribute("open");
      find(".plan", event.target)?.replaceChildren();
    });
    // A mode is chosen with one click: the menu has done its work.
    document.addEventListener("click", (event) => {
      const chosen = event.target.closest?.(".mode-menu label");
      if (chosen) setTimeout(() => { chosen.closest("details").open = false; find("summary", chosen.closest("details")).focus(); });
    });
    // A menu opens downwards where there is no room above it.
    document.addEventListener("toggle", (event) => {
      const menu = event.target;
      if (!menu.matches?.(".menu-up[open]")) return;
      const above = menu.closest(".pane")?.getBoundingClientRect().top ?? find(".bar").getBoundingClientRect().bottom;
      if (find(".menu-items", menu).getBoundingClientRect().top < above) menu.classList.remove("menu-up");
    }, true);
    // What a reader has unfolded stays so when the card around it is drawn again.
    document.addEventListener("toggle", (event) => {
      const name = event.target.dataset?.keepOpen;
      if (name && event.target.isConnected) keptOpen.set(name, event.target.open);
    }, true);
    document.addEventListener("htmx:after:swap", () => {
      for (const each of all("[data-keep-open]")) if (keptOpen.has(each.dataset.keepOpen)) each.open = keptOpen.get(each.dataset.keepOpen);
    });
    for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      document.addEventListener(enter, (event) => { const chip = event.target.closest?.(".cite"); if (chip && event.pointerType !== "touch") showQuote(chip); });
      document.addEventListener(leave, (event) => { if (event.target.closest?.(".cite")) hideQuote(); });
    }
    for (const each of all("[data-reload-on]")) each.addEventListener(each.dataset.reloadOn, () => location.reload());
  }

  // ---- Keys --------------------------------------------------------------------------------------------------------

  const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  function pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-question-form] textarea")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    if (event.key === "Escape") { hideQuote(); hideLean(); }
  }

  // Does what `acts` has for a key that is pressed outside of fields; what it does not know is left alone.
  function onKeys(acts) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || find("dialog[open]") || typing(event.target) || window.lectern.keysOff()) return;
      const act = acts[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
  }

  function listKeys(keys) {
    const list = find("[data-keys-here]");
    if (list) list.parentElement.hidden = false;
    for (const [does, pressed] of keys.toReversed()) {
      const row = document.createElement("div");
      const term = row.appendChild(document.createElement("dt"));
      const detail = row.appendChild(document.createElement("dd"));
      term.textContent = does;
      for (const key of pressed) detail.appendChild(document.createElement("kbd")).textContent = key;
      list?.prepend(row);
    }
  }

  // ---- Wiring ------------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-span], .lean, .cite, [data-tab-link], [data-fold]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { tabLink, fold: side } = target.dataset;
    if (target.matches(".lean") && (!getSelection().isCollapsed || touchedLean(target, event))) return event.preventDefault();
    if (target.matches("[data-span], .cite")) return followCitation(target, event);
    if (!tabLink && !side) return;
    event.preventDefault();
    if (tabLink) showTab(tabLink);
    else fold(side, !room.classList.contains(`no-${side}`));
  });
  document.addEventListener("keydown", pressed);
  watchLeans();
  watchCards();
  if (room) {
    all("[data-handle]").forEach(prepareHandle);
    for (const side of ["left", "right"]) if (remember(`fold-${side}`)) fold(side, true);
  }

  window.lectern.room = { find, all, calm, openSide, showPane, showTab, openCitations, askAbout, hideLean, stepLean, onKeys, listKeys };
})();
