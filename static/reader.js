// The reader: a document's pages, places in its text, and how answers point at them. On top of room.js.
// The server knows every place (/d/<id>/span/); this draws it. Reading and asking work without any of it.
(() => {
  "use strict";

  const { say, many } = window.lectern;
  const { find, all, calm, openSide, showPane, showTab, openCitations, hideLean, stepLean, onKeys, listKeys } = window.lectern.room;
  const pages = find("#pages");
  if (!pages) return;
  const sections = all(":scope > section", pages);
  const SVG = "http://www.w3.org/2000/svg";

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

  // ---- Places that are talked about --------------------------------------------------------------------------------

  let talked = []; // what /comments/places/ says

  async function fetchTalked() {
    const reply = await fetch(pages.dataset.placesUrl);
    if (!reply.ok) return;
    talked = (await reply.json()).places;
    for (const section of sections) if (drawn(section)) drawTalked(section);
    lightTalked();
  }

  // On a page image they are rectangles of their own; click and selection go to the words above them.
  function drawTalked(section) {
    const svg = find("svg.sheet", section);
    if (!section.matches(".page-sheet") || !svg) return;
    const { width, height } = svg.viewBox.baseVal;
    let group = find(".comment-marks", svg);
    if (!group) {
      group = document.createElementNS(SVG, "g");
      group.setAttribute("class", "comment-marks");
      svg.insertBefore(group, find(".layer", svg));
    }
    const number = Number(section.dataset.number);
    const own = talked.flatMap(({ comment, pages: on }) => on.filter((page) => page.number === number).flatMap((page) => page.rectangles.map((box) => [comment, box])));
    group.replaceChildren(...own.map(([comment, [x0, y0, x1, y1]]) => {
      const rect = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: x0 * width, y: y0 * height, width: (x1 - x0) * width, height: (y1 - y0) * height })) rect.setAttribute(name, value);
      rect.dataset.comment = comment;
      return rect;
    }));
  }

  // In flowing text the browser colours ranges: the text itself is left as it is.
  function lightTalked() {
    if (!window.CSS?.highlights) return;
    const ranges = talked.flatMap(({ start_char: start, end_char: end }) => all(".page-flow [data-start]", pages).flatMap((block) => rangesIn(block, start, end)));
    CSS.highlights.set("comment", new Highlight(...ranges));
  }

  function rangesIn(block, start, end) {
    const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    const ranges = [];
    let at = Number(block.dataset.start);
    while (at < end && walker.nextNode()) {
      const node = walker.currentNode;
      const from = Math.max(0, start - at);
      const to = Math.min(node.data.length, end - at);
      if (from < to) {
        const range = document.createRange();
        range.setStart(node, from);
        range.setEnd(node, to);
        ranges.push(range);
      }
      at += node.data.length;
    }
    return ranges;
  }

  // Returns the thread about the words at a point; undefined where nobody talks about them.
  function talkedAt(x, y) {
    const inside = ({ left, right, top, bottom }) => x >= left && x <= right && y >= top && y <= bottom;
    const rect = all(".comment-marks rect", pages).find((each) => inside(each.getBoundingClientRect()));
    if (rect) return rect.dataset.comment;
    const blocks = all(".page-flow [data-start]", pages).filter((block) => inside(block.getBoundingClientRect()));
    return talked.find(({ start_char: start, end_char: end }) => blocks.some((block) => rangesIn(block, start, end).some((range) => [...range.getClientRects()].some(inside))))?.comment;
  }

  function openTalked(event) {
    if (!getSelection().isCollapsed || event.target.closest("a, button")) return;
    const comment = talkedAt(event.clientX, event.clientY);
    if (comment) window.lectern.together.showThread(comment);
  }

  // ---- Citations ---------------------------------------------------------------------------------------------------

  // Returns whether a link to a place in the text was followed here.
  function follow(link) {
    if (link.dataset.document !== pages.dataset.document) return false;
    hideLean();
    showPane("pages");
    showSpan(Number(link.dataset.start), Number(link.dataset.end), { heading: "heading" in link.dataset });
    return true;
  }

  // The strip beside the outline shows where the open answer's citations lie.
  function markStrip() {
    const own = openCitations().filter((chip) => chip.dataset.document === pages.dataset.document);
    const cited = new Set(own.map((chip) => chip.dataset.page));
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
    find('[data-zoom="0"]').textContent = zoom === 1 ? say("Fit") : `${Math.round(zoom * 100)} %`;
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
    if (links.length) find("#find-place").textContent = many(links.length, "{count} place", "{count} places");
  }

  function stepFound(step) {
    const links = foundLinks();
    if (!links.length) return;
    foundAt = (foundAt + step + links.length) % links.length;
    find("#find-place").textContent = say("{number} of {count}", { number: foundAt + 1, count: links.length });
    for (const link of links) link.removeAttribute("aria-current");
    links[foundAt].setAttribute("aria-current", "true");
    links[foundAt].scrollIntoView({ block: "nearest" });
    showSpan(Number(links[foundAt].dataset.start), Number(links[foundAt].dataset.end));
  }

  // ---- Selecting ---------------------------------------------------------------------------------------------------

  // The selected words as a span of the document's text, and as their lines; null when nothing of a page is selected.
  function selected() {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount) return null;
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
    window.lectern?.toast(say("Copied with its citation."));
  }

  function askAbout() {
    const words = selected().text.replace(/\s+/g, " ").trim();
    find("#selection-tools").hidden = true;
    window.lectern.room.askAbout(say("About “{words}”: ", { words: words.length > 400 ? `${words.slice(0, 400)}…` : words }));
  }

  function commentOnThis() {
    const { start, end, text } = selected();
    find("#selection-tools").hidden = true;
    window.lectern.together.commentOn({ version: pages.dataset.version, start_char: start, end_char: end }, text.replace(/\s+/g, " ").trim());
  }

  // ---- Keys --------------------------------------------------------------------------------------------------------

  const ACTS = {
    j: () => goTo(current + 1),
    k: () => goTo(current - 1),
    t: () => stepLean(1, pages),
    T: () => stepLean(-1, pages),
    n: () => stepFound(1),
    N: () => stepFound(-1),
    g: () => { showPane("pages"); find("#page-number")?.select(); },
    a: () => { showPane("side"); showTab("ask"); find("#question-text")?.focus(); },
    "/": () => { openSide("left"); find("#find").select(); },
    "+": () => zoomBy(1),
    "-": () => zoomBy(-1),
    0: () => zoomBy(0),
  };

  function steppedInFind(event) {
    if (event.target.id !== "find" || event.key !== "Enter" || !foundLinks().length) return;
    event.preventDefault();
    stepFound(event.shiftKey ? -1 : 1);
  }

  const KEYS = [
    [say("Next page, page before"), ["J", "K"]],
    [say("Go to a page"), ["G"]],
    [say("Find in this document"), ["/"]],
    [say("Next place found, place before"), ["N", "Shift N"]],
    [say("Next term or reference in sight, the one before"), ["T", "Shift T"]],
    [say("Ask about this document"), ["A"]],
    [say("Send the question"), ["Ctrl Enter"]],
    [say("Larger, smaller, fit the width"), ["+", "-", "0"]],
  ];

  // ---- Wiring ------------------------------------------------------------------------------------------------------

  window.lectern.room.follow = follow;
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-zoom], [data-find-step], [data-selection], [data-strip], [data-strip-link]");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { zoom: zoomStep, findStep, selection, strip, stripLink } = target.dataset;
    event.preventDefault();
    if (zoomStep) zoomBy(Number(zoomStep));
    else if (findStep) stepFound(Number(findStep));
    else if (selection === "copy") copyWithCitation();
    else if (selection === "ask") askAbout();
    else if (selection === "comment") commentOnThis();
    else goTo(Number(strip || stripLink));
  });
  document.addEventListener("keydown", steppedInFind);
  onKeys(ACTS);
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.target.matches?.("#pages > section")) { drawPlace(event.target); drawTalked(event.target); lightTalked(); }
    if (event.target.matches?.("[data-comments]")) fetchTalked();
    if (event.target.closest?.(".find-box")) foundChanged();
    markStrip();
  });
  document.addEventListener("lectern:tab", markStrip);
  if (sections.length > 120) find(".reading-strip")?.classList.add("dense");
  let waiting = false;
  pages.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    hideLean();
    requestAnimationFrame(() => { waiting = false; trackPage(); if (!find("#selection-tools").hidden) offerTools(); });
  }, { passive: true });
  pages.addEventListener("mousedown", startSelecting);
  pages.addEventListener("click", openTalked);
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
  fetchTalked();
  listKeys(KEYS);
  const { openStart, openEnd } = pages.dataset;
  if (openStart) showSpan(Number(openStart), Number(openEnd));
  else if (/^#p\d+$/.test(location.hash)) goTo(Number(location.hash.slice(2)));
})();
