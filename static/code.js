// A repository's room: moving between files without loading the page again, lines, names, and what answers point at.
// Every link here is a plain link: the pages work without any of it. On top of room.js.
(() => {
  "use strict";

  const { say } = window.lectern;
  const { find, all, calm, openSide, showPane, showTab, openCitations, askAbout, hideLean, stepLean, onKeys, listKeys } = window.lectern.room;
  const middle = find("#middle");
  if (!middle) return;
  const code = () => find("#code");

  // ---- Moving between pages of the room ------------------------------------------------------------------------------

  async function visit(url, { push = true } = {}) {
    const address = new URL(url, location.href);
    hideLean();
    if (push) history.pushState({ room: true }, "", address);
    await htmx.ajax("GET", `${address.pathname}${address.search}`, { source: middle, target: middle, swap: "none" });
    arrived();
  }

  // Lines of the file that is open are gone to without asking the server.
  function follow(url) {
    const address = new URL(url, location.href);
    const lines = address.searchParams.get("lines");
    const newest = find(".room").dataset.newest;
    const same = address.pathname === location.pathname && (address.searchParams.get("at") || newest) === code()?.dataset.snapshot;
    showPane("pages");
    if (!same || !code() || !lines) return visit(address);
    history.pushState({ room: true }, "", address);
    showLines(lines);
  }

  function arrived() {
    const bar = find("[data-title]", middle);
    if (!bar) return;
    document.title = bar.dataset.title;
    const path = bar.dataset.path || "";
    const open = find("#find-path");
    if (open) open.value = code() ? path : "";
    reveal(path);
    const shown = new URL(location.href).searchParams.get("lines");
    if (code() && shown) showLines(shown);
    else (code() || find(".pages", middle))?.scrollTo(0, 0);
    mark();
    trackLine();
    fetchTalked();
  }

  // Opens the folders around a path in the tree, which may have to be fetched, and marks it as the open one.
  async function reveal(path) {
    for (const link of all('#tree [aria-current]')) link.removeAttribute("aria-current");
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = find(`#tree details[data-folder="${CSS.escape(parts.slice(0, depth).join("/"))}"]`);
      if (!folder) return;
      folder.open = true;
      const later = find(":scope > .tree-later", folder);
      if (later) await new Promise((resolve) => { folder.addEventListener("htmx:after:swap", resolve, { once: true }); setTimeout(resolve, 3000); });
    }
    const link = find(`#tree [data-path="${CSS.escape(path)}"]`);
    link?.setAttribute("aria-current", "page");
    link?.scrollIntoView({ block: "nearest" });
  }

  // ---- Lines -------------------------------------------------------------------------------------------------------

  let shown = null; // [first, last] of the lines that are marked

  const chunkOf = (number) => all(".chunk", code()).find((chunk) => number <= Number(chunk.dataset.last));
  const lineAt = (number) => find(`#L${number}`, code());

  // A chunk that is not drawn yet takes its final height already, so the place can be gone to at once.
  function showLines(words, { scroll = true } = {}) {
    const [first, last = first] = words.split("-").map(Number);
    shown = [first, last];
    markShown();
    const box = find("#line-number");
    if (box) box.value = first;
    if (scroll) goToLine(first, last);
  }

  function markShown() {
    for (const line of all(".line.shown", code())) line.classList.remove("shown");
    if (!shown) return;
    for (let number = shown[0]; number <= Math.min(shown[1], shown[0] + 2000); number += 1) lineAt(number)?.classList.add("shown");
  }

  function goToLine(first, last = first) {
    const pane = code();
    const line = lineAt(first);
    const chunk = line ? null : chunkOf(first);
    if (!line && !chunk) return;
    const frame = pane.getBoundingClientRect();
    const box = (line || chunk).getBoundingClientRect();
    const height = line ? box.height : box.height / (Number(chunk.dataset.last) - Number(chunk.dataset.first) + 1);
    const above = line ? 0 : (first - Number(chunk.dataset.first)) * height;
    const inset = Math.max(height * 2, (frame.height - height * (last - first + 1)) * 0.3);
    const top = pane.scrollTop + box.top + above - frame.top - inset;
    const near = Math.abs(top - pane.scrollTop) < frame.height * 3;
    pane.scrollTo({ top, behavior: near && !calm.matches ? "smooth" : "instant" });
    if (!line) htmx.trigger(chunk, "draw");
  }

  let lastLine = 0; // where a click with Shift begins

  function chooseLine(link, event) {
    event.preventDefault();
    const number = Number(link.dataset.n);
    const [from, to] = event.shiftKey && lastLine ? [lastLine, number].sort((a, b) => a - b) : [number, number];
    if (!event.shiftKey) lastLine = number;
    const words = from === to ? String(from) : `${from}-${to}`;
    const address = new URL(location.href);
    address.searchParams.set("lines", words);
    address.hash = `L${from}`;
    history.replaceState(history.state, "", address);
    getSelection().removeAllRanges();
    showLines(words, { scroll: false });
    offerTools();
  }

  // The outline and the bar say what the topmost line in sight stands in.
  function trackLine() {
    const pane = code();
    const here = find("#symbol-here");
    if (!pane || !here) return;
    const frame = pane.getBoundingClientRect();
    const line = document.elementFromPoint(frame.left + 80, frame.top + 12)?.closest?.(".line");
    const number = Number(line?.id.slice(1) || 0);
    let inner = null;
    for (const link of all("#symbols [data-line]")) {
      link.removeAttribute("aria-current");
      if (Number(link.dataset.line) <= number && number <= Number(link.dataset.lastLine)) inner = link;
    }
    inner?.setAttribute("aria-current", "true");
    here.textContent = inner ? inner.title : "";
  }

  // ---- What the open answer read and cites ---------------------------------------------------------------------------

  const own = (chip) => chip.dataset.repository === location.pathname.split("/")[2];

  function mark() {
    const cites = openCitations().filter(own);
    const cited = new Set(cites.map((chip) => chip.dataset.path));
    const packed = new Map(all(`[data-tab-name="${find(".pane-side").dataset.tab}"] [data-packed]`).map((each) => [each.dataset.packed, each.dataset.extent]));
    for (const link of all("#tree .tree-file")) {
      const extent = packed.get(link.dataset.path);
      link.classList.toggle("cited", cited.has(link.dataset.path));
      for (const each of ["whole", "skeleton", "out"]) link.classList.toggle(`packed-${each}`, extent === each);
    }
    if (!code()) return;
    for (const line of all(".line.cited", code())) line.classList.remove("cited");
    for (const chip of cites) {
      if (chip.dataset.path !== code().dataset.path) continue;
      const [first, last = first] = chip.dataset.lines.split("-").map(Number);
      for (let number = first; number <= last; number += 1) lineAt(number)?.classList.add("cited");
    }
  }

  function followCitation(link) {
    if (!own(link)) return false;
    follow(link.href);
    return true;
  }

  // ---- Names ---------------------------------------------------------------------------------------------------------

  async function goToName(link) {
    const reply = await fetch(link.href, { headers: { "HX-Request": "true" } });
    if (!reply.ok) return;
    const card = new DOMParser().parseFromString(await reply.text(), "text/html");
    const only = find("[data-only]", card)?.dataset.only;
    // On its own definition a name leads to where it is used.
    const url = only && new URL(only, location.href);
    const line = link.closest(".line")?.id;
    if (!only || (url.pathname === location.pathname && url.hash === `#${line}`)) return showUses(find("[data-uses]", card)?.getAttribute("href"));
    follow(only);
  }

  async function showUses(url) {
    if (!url) return;
    hideLean();
    openSide("right");
    showTab("symbols");
    await htmx.ajax("GET", url, { target: "#uses", swap: "innerHTML" });
    const side = find(".pane-side");
    side.scrollTo({ top: side.scrollTop + find("#uses").getBoundingClientRect().top - side.getBoundingClientRect().top - 40, behavior: "instant" });
  }

  // ---- Selecting -----------------------------------------------------------------------------------------------------

  // The lines that are selected: by their words, else those that are marked.
  function selected() {
    const selection = getSelection();
    const pane = code();
    if (!pane) return null;
    if (!selection.isCollapsed && selection.rangeCount && pane.contains(selection.getRangeAt(0).commonAncestorContainer)) {
      const range = selection.getRangeAt(0);
      const lines = all(".line", pane).filter((line) => range.intersectsNode(line));
      if (lines.length && selection.toString().trim()) return { first: Number(lines[0].id.slice(1)), last: Number(lines.at(-1).id.slice(1)), text: selection.toString(), box: range.getBoundingClientRect() };
    }
    if (!shown || !lineAt(shown[0])) return null;
    const lines = all(".line.shown", pane);
    const text = lines.map((line) => find("code", line).textContent).join("");
    return { first: shown[0], last: shown[1], text, box: lines[0]?.getBoundingClientRect() };
  }

  const place = ({ first, last }) => `${code().dataset.path}:${first === last ? first : `${first}-${last}`}`;

  function offerTools() {
    const tools = find("#selection-tools");
    const found = selected();
    if (!found?.box) { tools.hidden = true; return; }
    tools.hidden = false;
    const frame = find(".pane-pages").getBoundingClientRect();
    const top = found.box.top - frame.top - tools.offsetHeight - 6;
    tools.style.left = `${Math.max(8, Math.min(frame.width - tools.offsetWidth - 16, found.box.left - frame.left + Math.min(found.box.width, 600) / 2))}px`;
    tools.style.top = `${top > 48 ? top : Math.min(frame.height - 48, found.box.bottom - frame.top + 6)}px`;
  }

  async function copyWithCitation() {
    const found = selected();
    if (!found) return;
    await navigator.clipboard.writeText(`${found.text.replace(/\n$/, "")}\n\n(${place(found)} @ ${code().dataset.label})\n`);
    find("#selection-tools").hidden = true;
    window.lectern.toast(say("Copied with its citation."));
  }

  function ask() {
    const found = selected();
    if (!found) return;
    find("#selection-tools").hidden = true;
    askAbout(say("About {place}: ", { place: place(found) }));
  }

  function comment() {
    const found = selected();
    if (!found) return;
    find("#selection-tools").hidden = true;
    const lines = found.first === found.last ? String(found.first) : `${found.first}-${found.last}`;
    window.lectern.together.commentOn({ version: code().dataset.version, lines }, place(found));
  }

  // The lines that open threads are about, marked beside their numbers, where a click opens the thread.
  let talked = [];

  async function fetchTalked() {
    talked = [];
    const url = code()?.dataset.placesUrl;
    const reply = url && (await fetch(url));
    if (reply?.ok && url === code()?.dataset.placesUrl) talked = (await reply.json()).places;
    markTalked();
  }

  function recount() {
    find("#comments-count").textContent = Number(find("#comments-pane [data-comments]")?.dataset.count) || "";
  }

  function markTalked() {
    for (const line of all(".line.talked", code() || document)) line.classList.remove("talked");
    for (const { lines: [first, last] } of talked) for (let number = first; number <= last; number += 1) lineAt(number)?.classList.add("talked");
  }

  function openTalked(event) {
    const line = event.target.closest?.(".line.talked");
    if (!line || !getSelection().isCollapsed || event.target.closest("a")) return;
    const number = Number(line.id.slice(1));
    const thread = talked.find(({ lines: [first, last] }) => first <= number && number <= last);
    if (thread) window.lectern.together.showThread(thread.comment);
  }

  // ---- Keys ----------------------------------------------------------------------------------------------------------

  function findFiles() {
    openSide("left");
    find("#find").select();
  }

  // Arrows go through what is found, from the box and back to it.
  function stepFound(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = all("#found [data-found]");
    if (event.target.id === "find" && event.key === "Enter" && links.length) { event.preventDefault(); follow(links[0].href); return; }
    if (!step || !links.length || !event.target.closest?.(".pane-outline")) return;
    const at = links.indexOf(document.activeElement);
    if (at < 0 && event.target.id !== "find") return;
    event.preventDefault();
    (links[at + step] || find("#find")).focus();
  }

  const ACTS = {
    "/": findFiles,
    t: findFiles,
    g: () => { showPane("pages"); find("#line-number")?.select(); },
    o: () => { openSide("right"); showTab("symbols"); find("#symbols a")?.focus(); },
    a: () => { openSide("right"); showTab("ask"); find("#question-text")?.focus(); },
    j: () => code()?.scrollBy({ top: code().clientHeight * 0.9, behavior: "instant" }),
    k: () => code()?.scrollBy({ top: -code().clientHeight * 0.9, behavior: "instant" }),
    "]": () => code() && stepLean(1, code()),
    "[": () => code() && stepLean(-1, code()),
  };
  const KEYS = [
    [say("Find a file, a symbol, or words in the open file"), ["/", "T"]],
    [say("Go to a line"), ["G"]],
    [say("What the file defines"), ["O"]],
    [say("Next name that is defined here, the one before"), ["]", "["]],
    [say("One screen on, one back"), ["J", "K"]],
    [say("Ask about this repository"), ["A"]],
    [say("Send the question"), ["Ctrl Enter"]],
  ];

  // ---- Wiring --------------------------------------------------------------------------------------------------------

  window.lectern.room.follow = followCitation;
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.(".ln, .lean, [data-visit], [data-uses], [data-selection]");
    if (!target || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    if (target.matches(".ln")) return chooseLine(target, event);
    if (event.shiftKey) return;
    event.preventDefault();
    if (target.matches(".lean")) goToName(target);
    else if ("uses" in target.dataset) showUses(target.getAttribute("href"));
    else if (target.dataset.selection === "copy") copyWithCitation();
    else if (target.dataset.selection === "ask") ask();
    else if (target.dataset.selection === "comment") comment();
    else follow(target.href);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-line-box]")) return;
    event.preventDefault();
    showLines(find("#line-number").value);
    code().focus();
  });
  addEventListener("popstate", () => visit(location.href, { push: false }));
  document.addEventListener("keydown", stepFound);
  onKeys(ACTS);
  listKeys(KEYS);
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.target.matches?.(".chunk")) { markShown(); markTalked(); }
    if (event.target.closest?.("#comments-pane")) { recount(); fetchTalked(); }
    mark();
  });
  document.addEventListener("lectern:tab", mark);
  document.addEventListener("click", openTalked);
  // A module that is pointed at shows what it is tied to.
  for (const name of ["pointerover", "focusin", "pointerout", "focusout"]) document.addEventListener(name, (event) => {
    const module = event.target.closest?.("[data-module]");
    const diagram = module?.closest(".diagram");
    if (!diagram) return;
    const on = name === "pointerover" || name === "focusin";
    diagram.classList.toggle("pointed", on);
    for (const arrow of all(".arrows path", diagram)) arrow.classList.toggle("lit", on && [arrow.dataset.source, arrow.dataset.target].includes(module.dataset.module));
  });
  document.addEventListener("selectionchange", () => { if (getSelection().isCollapsed && !shown) find("#selection-tools").hidden = true; });
  document.addEventListener("pointerup", (event) => { if (event.target.closest?.("#code") && !event.target.closest(".ln")) setTimeout(() => getSelection().isCollapsed ? (find("#selection-tools").hidden = true) : offerTools()); });
  // A version that has become ready is offered, not forced on whoever is reading.
  find("#coming")?.addEventListener("changed", (event) => {
    const link = document.createElement("a");
    link.href = location.pathname;
    link.textContent = say("over. Show it");
    event.target.replaceChildren(link);
  });
  let waiting = false;
  middle.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    hideLean();
    requestAnimationFrame(() => { waiting = false; trackLine(); find("#selection-tools").hidden = true; });
  }, { passive: true, capture: true });
  history.replaceState({ room: true }, "", location.href);
  arrived();
})();
