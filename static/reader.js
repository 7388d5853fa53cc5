// The reading room: panes, pages, places in the text, and how answers point at them.
// The server knows every place (/d/<id>/span/); this draws it. Reading and asking work without any of it.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const room = find(".room");
  const pages = find("#pages");
  const sections = pages ? all(":scope > section", pages) : [];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const SVG = "http://www.w3.org/2000/svg";

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
    const handle = find(`[data-handle="${side}"]`);
    handle.setAttribute("aria-valuemin", least);
    handle.setAttribute("aria-valuemax", most);
    handle.setAttribute("aria-valuenow", width);
    remember(`width-${side}`, width);
  }

  const paneOf = (side) => find(side === "left" ? ".pane-outline" : ".pane-side");

  function prepareHandle(handle) {
    const side = handle.dataset.handle;
    const away = side === "left" ? 1 : -1;
    const kept = Number(remember(`width-${side}`));
    if (kept) setWidth(side, kept);
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

  // On a phone one pane shows at a time.
  function showPane(name) {
    const radio = find(`.pane-switch [value="${name}"]`);
    if (radio) radio.checked = true;
  }

  function showTab(name) {
    const side = find(".pane-side");
    side.dataset.tab = name;
    for (const link of all("[data-tab-link]")) {
      if (link.dataset.tabLink === name) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    markStrip();
  }

  // ---- Places in the text ------------------------------------------------------------------------------------------

  let place = null; // what is highlighted: the answer of /span/
  let arriving = false; // whether the view still has to move there

  const sectionOf = (number) => find(`#p${number}`);
  const drawn = (section) => find(".layer, [data-start]", section) !== null;
  const load = (section) => { if (section?.hasAttribute("hx-get") && !drawn(section)) htmx.trigger(section, "intersect", {}, false); };

  async function showSpan(start, end, { heading = false } = {}) {
    const reply = await fetch(`${pages.dataset.spanUrl}?start_char=${start}&end_char=${end}`);
    if (!reply.ok) return;
    place = { ...(await reply.json()), heading };
    document.dispatchEvent(new CustomEvent("lectern:place", { detail: place }));
    arriving = true;
    clearMarks();
    for (const { number } of place.pages) {
      load(sectionOf(number));
      drawPlace(sectionOf(number));
    }
    const address = new URL(location);
    address.searchParams.set("start_char", start);
    address.searchParams.set("end_char", end);
    history.replaceState(history.state, "", address);
  }

  function clearMarks() {
    for (const rect of all(".marks rect", pages)) rect.remove();
    for (const mark of all("mark.shown", pages)) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
  }

  function drawPlace(section) {
    const here = place?.pages.find((page) => page.number === Number(section?.dataset.number));
    if (!here) return;
    if (section.matches(".page-sheet")) drawRectangles(section, here.rectangles);
    else if (drawn(section)) drawMarks(section, place.start_char, place.end_char);
    if (arriving && here === place.pages[0]) arrive(section);
  }

  function drawRectangles(section, rectangles) {
    const svg = find("svg.sheet", section);
    const { width, height } = svg.viewBox.baseVal;
    let group = find(".marks", svg);
    if (!group) {
      group = document.createElementNS(SVG, "g");
      group.setAttribute("class", "marks");
      svg.append(group);
    }
    group.replaceChildren(...rectangles.map(([x0, y0, x1, y1]) => {
      const rect = document.createElementNS(SVG, "rect");
      const values = { x: x0 * width, y: y0 * height, width: (x1 - x0) * width, height: (y1 - y0) * height, class: "arrived" };
      for (const [name, value] of Object.entries(values)) rect.setAttribute(name, value);
      return rect;
    }));
  }

  function drawMarks(section, start, end) {
    for (const block of all("[data-start]", section)) {
      let at = Number(block.dataset.start);
      if (at >= end) break;
      const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      const nodes = [];
      while (walker.nextNode()) nodes.push(walker.currentNode);
      for (const node of nodes) {
        const length = node.data.length;
        const from = Math.max(0, start - at);
        const to = Math.min(length, end - at);
        if (from < to) {
          const range = document.createRange();
          range.setStart(node, from);
          range.setEnd(node, to);
          const mark = document.createElement("mark");
          mark.className = "shown";
          range.surroundContents(mark);
        }
        at += length;
      }
    }
  }

  function arrive(section) {
    const target = find(".marks rect, mark.shown", section);
    if (!target && !section.matches(".page-sheet") && !drawn(section)) {
      section.scrollIntoView({ block: "start" });
      return; // its text is on the way; the view moves on when it is there
    }
    arriving = false;
    const box = (target || section).getBoundingClientRect();
    const frame = pages.getBoundingClientRect();
    const inset = place.heading ? 16 : Math.max(24, (frame.height - Math.min(box.height, frame.height)) * 0.35);
    const top = pages.scrollTop + box.top - frame.top - inset;
    const near = Math.abs(top - pages.scrollTop) < frame.height * 3;
    pages.scrollTo({ top, behavior: near && !calm.matches ? "smooth" : "instant" });
  }

  // ---- Citations ---------------------------------------------------------------------------------------------------

  function showQuote(chip) {
    const quote = find("#quote");
    if (!quote) return;
    find(".quote-words", quote).textContent = chip.dataset.quote;
    find(".quote-where", quote).textContent = chip.dataset.where;
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
    if (!pages || link.dataset.document !== pages.dataset.document) return;
    event.preventDefault();
    hideLean();
    for (const each of all("[data-start][aria-current]")) each.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    hideQuote();
    showPane("pages");
    showSpan(Number(link.dataset.start), Number(link.dataset.end), { heading: "heading" in link.dataset });
  }

  // ---- Terms and references: a card with what they lean on ------------------------------------------------------------

  const leanCard = find("#lean-card");
  const HOVER_MS = 180;
  let leanShown = null; // the link whose card is open
  let leanTimer = 0;

  async function showLean(link) {
    clearTimeout(leanTimer);
    if (!leanCard || link === leanShown) return;
    hideLean();
    leanShown = link;
    const reply = await fetch(link.dataset.card);
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

  // Moves to the next or the last term or reference in sight, for whoever has no pointer.
  function stepLean(step) {
    const frame = pages.getBoundingClientRect();
    const inSight = all(".lean", pages).filter((link) => {
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
    event.preventDefault();
    showLean(link);
    return true;
  }

  // The strip beside the outline shows where the open answer's citations lie.
  function markStrip() {
    const tab = find(".pane-side")?.dataset.tab;
    const own = `.cite[data-document="${pages?.dataset.document}"]`;
    const cited = new Set(all(`[data-tab-name="${tab}"] ${own}`).map((chip) => chip.dataset.page));
    for (const mark of all("[data-strip]")) mark.classList.toggle("cited", cited.has(mark.dataset.strip));
  }

  // ---- Moving through the pages ------------------------------------------------------------------------------------

  let current = 1;

  function goTo(number) {
    const section = sectionOf(Math.min(sections.length, Math.max(1, number)));
    if (!section) return;
    showPane("pages");
    pages.scrollTo({ top: pages.scrollTop + section.getBoundingClientRect().top - pages.getBoundingClientRect().top - 12, behavior: "instant" });
  }

  function trackPage() {
    const middle = pages.getBoundingClientRect().top + pages.clientHeight * 0.4;
    let low = 0;
    let high = sections.length - 1;
    while (low < high) {
      const half = (low + high + 1) >> 1;
      if (sections[half].getBoundingClientRect().top <= middle) low = half;
      else high = half - 1;
    }
    const number = Number(sections[low]?.dataset.number || 1);
    if (number === current) return;
    find(`[data-strip="${current}"]`)?.removeAttribute("aria-current");
    current = number;
    find(`[data-strip="${current}"]`)?.setAttribute("aria-current", "true");
    const box = find("#page-number");
    if (box && document.activeElement !== box) box.value = current;
  }

  const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];
  let zoom = 1;

  function zoomBy(step) {
    const at = pages.scrollTop / pages.scrollHeight;
    const index = ZOOMS.indexOf(zoom) + step;
    zoom = step === 0 ? 1 : ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, index))];
    pages.style.setProperty("--zoom", zoom);
    find('[data-zoom="0"]').textContent = zoom === 1 ? "Fit" : `${Math.round(zoom * 100)} %`;
    pages.scrollTop = at * pages.scrollHeight;
  }

  // ---- Finding -----------------------------------------------------------------------------------------------------

  let foundAt = -1;
  const foundLinks = () => all("#found [data-span]");

  function foundChanged() {
    const links = foundLinks();
    const steps = find(".find-steps");
    steps.hidden = links.length === 0;
    foundAt = -1;
    if (links.length) find("#find-place").textContent = `${links.length} place${links.length === 1 ? "" : "s"}`;
  }

  function stepFound(step) {
    const links = foundLinks();
    if (!links.length) return;
    foundAt = (foundAt + step + links.length) % links.length;
    find("#find-place").textContent = `${foundAt + 1} of ${links.length}`;
    for (const link of links) link.removeAttribute("aria-current");
    links[foundAt].setAttribute("aria-current", "true");
    links[foundAt].scrollIntoView({ block: "nearest" });
    showSpan(Number(links[foundAt].dataset.start), Number(links[foundAt].dataset.end));
  }

  // ---- Selecting ---------------------------------------------------------------------------------------------------

  // The selected words as a span of the document's text, and as their lines; null when nothing of a page is selected.
  function selected() {
    const selection = getSelection();
    if (!pages || selection.isCollapsed || !selection.rangeCount) return null;
    const range = selection.getRangeAt(0);
    if (!pages.contains(range.commonAncestorContainer)) return null;
    const scope = range.commonAncestorContainer.nodeType === Node.TEXT_NODE ? range.commonAncestorContainer.parentElement : range.commonAncestorContainer;
    const within = scope.closest("[data-start]");
    const lines = (within ? [within] : all("[data-start]", scope)).filter((line) => range.intersectsNode(line));
    const parts = lines.map((line) => partOf(line, range)).filter((part) => part.text.trim());
    if (!parts.length) return null;
    return { start: parts[0].start, end: parts.at(-1).end, text: parts.map((part) => part.text).join("\n"), range };
  }

  function partOf(line, range) {
    const part = document.createRange();
    part.selectNodeContents(line);
    const before = part.cloneRange();
    if (line.contains(range.startContainer)) part.setStart(range.startContainer, range.startOffset);
    if (line.contains(range.endContainer)) part.setEnd(range.endContainer, range.endOffset);
    before.setEnd(part.startContainer, part.startOffset);
    const text = part.toString();
    const start = Number(line.dataset.start) + before.toString().length;
    return { start, end: start + text.length, text };
  }

  // Beside its words an SVG has no text to select, and browsers then select from its beginning. So dragging over a page
  // image takes the nearest words instead. Double and triple clicks, and fingers, hit words and are left to the browser.
  const between = (value, low, high) => Math.min(high, Math.max(low, value));

  function caretAt(section, x, y) {
    let best = null;
    for (const line of all(".layer text", section)) {
      const box = line.getBoundingClientRect();
      const away = Math.abs(y - between(y, box.top, box.bottom)) * 8 + Math.abs(x - between(x, box.left, box.right));
      if (!best || away < best.away) best = { line, box, away };
    }
    if (!best) return null;
    const { line, box } = best;
    const inside = new DOMPoint(between(x, box.left + 0.5, box.right - 0.5), (box.top + box.bottom) / 2);
    const point = inside.matrixTransform(line.getScreenCTM().inverse());
    const index = line.getCharNumAtPosition(point);
    if (index < 0) return caretIn(line, x > (box.left + box.right) / 2 ? line.textContent.length : 0);
    const character = line.getExtentOfChar(index);
    return caretIn(line, point.x > character.x + character.width / 2 ? index + 1 : index);
  }

  // A line that holds links has several text nodes.
  function caretIn(line, offset) {
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let node = walker.nextNode();
    while (offset > node.length) {
      const next = walker.nextNode();
      if (!next) return { node, offset: node.length };
      offset -= node.length;
      node = next;
    }
    return { node, offset };
  }

  const nearestSection = (y) => sections.findLast((section) => section.getBoundingClientRect().top <= y) || sections[0];

  function startSelecting(event) {
    const section = event.target.closest?.(".page-sheet");
    if (!section || event.button !== 0 || event.detail > 1) return;
    event.preventDefault();
    pages.focus({ preventScroll: true });
    const caret = caretAt(section, event.clientX, event.clientY);
    const selection = getSelection();
    if (!caret) return selection.removeAllRanges();
    if (event.shiftKey && selection.rangeCount) selection.extend(caret.node, caret.offset);
    else selection.collapse(caret.node, caret.offset);
    document.addEventListener("mousemove", goOnSelecting);
    document.addEventListener("mouseup", () => document.removeEventListener("mousemove", goOnSelecting), { once: true });
  }

  function goOnSelecting(event) {
    const frame = pages.getBoundingClientRect();
    if (event.clientY > frame.bottom - 24) pages.scrollBy(0, 24);
    else if (event.clientY < frame.top + 24) pages.scrollBy(0, -24);
    const y = between(event.clientY, frame.top + 1, frame.bottom - 1);
    const caret = caretAt(nearestSection(y), event.clientX, y);
    if (caret && getSelection().rangeCount) getSelection().extend(caret.node, caret.offset);
  }

  function offerTools() {
    const tools = find("#selection-tools");
    const found = selected();
    if (!found) { tools.hidden = true; return; }
    const box = found.range.getBoundingClientRect();
    const frame = find(".pane-pages").getBoundingClientRect();
    tools.hidden = false;
    const top = box.top - frame.top - tools.offsetHeight - 8;
    tools.style.left = `${Math.max(8, Math.min(frame.width - tools.offsetWidth - 8, box.left - frame.left + box.width / 2 - tools.offsetWidth / 2))}px`;
    tools.style.top = `${top > 52 ? top : Math.min(frame.height - 48, box.bottom - frame.top + 8)}px`;
  }

  async function copyWithCitation() {
    const { start, end } = selected();
    const reply = await fetch(`${pages.dataset.spanUrl}?start_char=${start}&end_char=${end}`);
    const { text, citation } = await reply.json();
    await navigator.clipboard.writeText(`“${text.replace(/\s+/g, " ").trim()}” (${citation})`);
    find("#selection-tools").hidden = true;
    window.lectern?.toast("Copied with its citation.");
  }

  function askAbout() {
    const { text } = selected();
    const box = find("#question-text");
    if (!box) return;
    const words = text.replace(/\s+/g, " ").trim();
    box.value = `About “${words.length > 400 ? `${words.slice(0, 400)}…` : words}”: `;
    find("#selection-tools").hidden = true;
    if (room.classList.contains("no-right")) fold("right", false);
    showPane("side");
    showTab("ask");
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }

  const keptOpen = new Map();

  // ---- Keys --------------------------------------------------------------------------------------------------------

  const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  function pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-question-form] textarea")) {
      event.preventDefault();
      event.target.form.requestSubmit();
      return;
    }
    if (event.key === "Escape") { hideQuote(); hideLean(); }
    if (!pages || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || find("dialog[open]")) return;
    if (event.target.id === "find" && event.key === "Enter" && foundLinks().length) { event.preventDefault(); stepFound(event.shiftKey ? -1 : 1); return; }
    if (typing(event.target)) return;
    const act = {
      j: () => goTo(current + 1),
      k: () => goTo(current - 1),
      t: () => stepLean(1),
      T: () => stepLean(-1),
      n: () => stepFound(1),
      N: () => stepFound(-1),
      g: () => { showPane("pages"); find("#page-number")?.select(); },
      a: () => { showPane("side"); showTab("ask"); find("#question-text")?.focus(); },
      "/": () => { if (room.classList.contains("no-left")) fold("left", false); showPane("outline"); find("#find").select(); },
      "+": () => zoomBy(1),
      "-": () => zoomBy(-1),
      0: () => zoomBy(0),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  const KEYS = [
    ["Next page, page before", ["J", "K"]],
    ["Go to a page", ["G"]],
    ["Find in this document", ["/"]],
    ["Next place found, place before", ["N", "Shift N"]],
    ["Next term or reference in sight, the one before", ["T", "Shift T"]],
    ["Ask about this document", ["A"]],
    ["Send the question", ["Ctrl Enter"]],
    ["Larger, smaller, fit the width", ["+", "-", "0"]],
  ];

  function listKeys() {
    const list = find("[data-keys]");
    for (const [does, keys] of KEYS.toReversed()) {
      const row = document.createElement("div");
      const term = row.appendChild(document.createElement("dt"));
      const detail = row.appendChild(document.createElement("dd"));
      term.textContent = does;
      for (const key of keys) detail.appendChild(document.createElement("kbd")).textContent = key;
      list?.prepend(row);
    }
  }

  // ---- Wiring ------------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-span], .lean, .cite, [data-tab-link], [data-fold], [data-zoom], [data-find-step], [data-selection], [data-strip], [data-strip-link]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { tabLink, fold: side, zoom: zoomStep, findStep, selection, strip, stripLink } = target.dataset;
    if (target.matches(".lean") && (!getSelection().isCollapsed || touchedLean(target, event))) return event.preventDefault();
    if (target.matches("[data-span], .cite")) return followCitation(target, event);
    event.preventDefault();
    if (tabLink) showTab(tabLink);
    else if (side) fold(side, !room.classList.contains(`no-${side}`));
    else if (zoomStep) zoomBy(Number(zoomStep));
    else if (findStep) stepFound(Number(findStep));
    else if (selection === "copy") copyWithCitation();
    else if (selection === "ask") askAbout();
    else goTo(Number(strip || stripLink));
  });
  for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, (event) => { const chip = event.target.closest?.(".cite"); if (chip && event.pointerType !== "touch") showQuote(chip); });
    document.addEventListener(leave, (event) => { if (event.target.closest?.(".cite")) hideQuote(); });
  }
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
  document.addEventListener("keydown", pressed);
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
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.target.matches?.("#pages > section")) drawPlace(event.target);
    if (event.target.closest?.(".find-box")) foundChanged();
    markStrip();
  });
  for (const each of all("[data-reload-on]")) each.addEventListener(each.dataset.reloadOn, () => location.reload());

  if (!pages) return;
  all("[data-handle]").forEach(prepareHandle);
  for (const side of ["left", "right"]) if (remember(`fold-${side}`)) fold(side, true);
  if (sections.length > 120) find(".reading-strip")?.classList.add("dense");
  let waiting = false;
  pages.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    hideLean();
    requestAnimationFrame(() => { waiting = false; trackPage(); if (!find("#selection-tools").hidden) offerTools(); });
  }, { passive: true });
  pages.addEventListener("mousedown", startSelecting);
  document.addEventListener("selectionchange", () => { if (!selected()) find("#selection-tools").hidden = true; });
  document.addEventListener("pointerup", () => setTimeout(offerTools));
  document.addEventListener("keyup", (event) => { if (event.shiftKey) offerTools(); });
  // SVG text has no line breaks of its own: what is copied gets those of the page.
  document.addEventListener("copy", (event) => {
    const found = selected();
    if (!found || !event.clipboardData) return;
    event.clipboardData.setData("text/plain", found.text);
    event.preventDefault();
  });
  const pageBox = find(".page-box");
  pageBox?.addEventListener("submit", (event) => { event.preventDefault(); goTo(Number(find("#page-number").value)); pages.focus(); });
  find("#page-number")?.addEventListener("change", (event) => goTo(Number(event.target.value)));
  find(`[data-strip="1"]`)?.setAttribute("aria-current", "true");
  markStrip();
  listKeys();
  const { openStart, openEnd } = pages.dataset;
  if (openStart) showSpan(Number(openStart), Number(openEnd));
  else if (/^#p\d+$/.test(location.hash)) goTo(Number(location.hash.slice(2)));
})();
