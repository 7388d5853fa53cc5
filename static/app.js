// What every page of Lectern does with a script: menus, theme, keys, palette, copying, uploading, the connection's state.
// Nothing here is needed to read, upload or ask; it makes these quicker.
(() => {
  "use strict";

  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = () => document.body;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
    svg.firstChild.setAttribute("href", `#i-${name}`);
    return svg;
  }

  function csrfToken() {
    return JSON.parse(body().getAttribute("hx-headers:inherited") || "{}")["X-CSRFToken"] || "";
  }

  // ---- Words: sentences in the language of the page, which it carries where that is not English ---------------------

  const words = JSON.parse(find("#scripted-words")?.textContent || "{}");

  // A sentence, with the values put where it names them: say("Sending {name}", { name }).
  const say = (text, values = {}) => (words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const many = (count, one, several) => say(count === 1 ? one : several, { count: count.toLocaleString(document.documentElement.lang) });

  // ---- Toasts ------------------------------------------------------------------------------------------------------

  const TOAST_SECONDS = 8;

  function toast(text, kind = "") {
    const made = element("div", `toast notice ${kind}`);
    made.dataset.toast = "";
    const close = element("button", "button button-quiet button-icon");
    close.type = "button";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", say("Dismiss"));
    close.append(icon("close"));
    made.append(element("p", "", text), close);
    find("[data-toasts]").append(made);
    leaveInTime(made);
  }

  // Good news goes by itself; what went wrong stays until it is dismissed.
  function leaveInTime(made) {
    if (made.matches(".notice-bad, .notice-warn")) return;
    setTimeout(() => made.matches(":hover, :focus-within") ? leaveInTime(made) : made.remove(), TOAST_SECONDS * 1000);
  }

  // ---- Menus -------------------------------------------------------------------------------------------------------

  function closeMenus(except) {
    for (const menu of all("details[data-menu][open]")) if (!except || !menu.contains(except)) menu.open = false;
  }

  function stepInMenu(event) {
    const menu = event.target.closest?.("details[data-menu][open]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!menu || !step) return;
    const items = all(".menu-items :is(a, button, input)", menu).filter((item) => item.offsetParent);
    const next = items.indexOf(document.activeElement) + step;
    items[(next + items.length) % items.length]?.focus();
    event.preventDefault();
  }

  // ---- Theme -------------------------------------------------------------------------------------------------------

  function showTheme() {
    const chosen = document.documentElement.dataset.theme || "";
    for (const radio of all("[data-theme-choice] input")) radio.checked = radio.value === chosen;
  }

  function chooseTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    try {
      if (theme) localStorage.setItem("lectern-theme", theme);
      else localStorage.removeItem("lectern-theme");
    } catch {
      // Storage may be closed to us; the choice then lasts for this page.
    }
  }

  // ---- Copying: data-copy="text", or data-copy-from="#selector" ----------------------------------------------------

  async function copy(button) {
    const source = button.dataset.copyFrom && find(button.dataset.copyFrom);
    const text = source ? source.value ?? source.innerText : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without HTTPS browsers give no clipboard: select the words so that Ctrl-C is one key away.
      if (source) getSelection().selectAllChildren(source);
      toast(source ? say("Selected. Press Ctrl-C to copy.") : say("This browser does not let pages copy here."), "notice-warn");
      return;
    }
    const label = find("[data-copy-label]", button) || button;
    if (button.dataset.copied || !label.textContent.trim()) return;
    button.dataset.copied = label.textContent;
    label.textContent = say("Copied");
    setTimeout(() => { label.textContent = button.dataset.copied; delete button.dataset.copied; }, 1600);
  }

  // ---- Palette -----------------------------------------------------------------------------------------------------

  const palette = () => find("#palette");
  let paletteRequest = null;

  function openPalette() {
    const dialog = palette();
    const form = dialog && find("[data-palette]", dialog);
    if (!form?.dataset.url || dialog.open) return;
    closeMenus();
    form.reset();
    dialog.showModal();
    fillPalette("");
  }

  async function fillPalette(query) {
    const form = find("[data-palette]");
    const items = find("#palette-items");
    paletteRequest?.abort();
    paletteRequest = new AbortController();
    try {
      const url = `${form.dataset.url}?${new URLSearchParams({ q: query })}`;
      const reply = await fetch(url, { signal: paletteRequest.signal, headers: { "HX-Request": "true" } });
      if (!reply.ok || reply.redirected) throw new Error(`palette: ${reply.status}`);
      items.innerHTML = await reply.text();
    } catch (error) {
      if (error.name === "AbortError") return;
      items.replaceChildren(element("p", "muted palette-none", say("The server does not answer. Try again in a moment.")));
    }
    options().forEach((option, index) => { option.id = `palette-option-${index}`; });
    choose(0);
  }

  const options = () => all('#palette-items [role="option"]');

  function choose(index) {
    const found = options();
    const chosen = found[(index + found.length) % found.length];
    for (const option of found) option.setAttribute("aria-selected", String(option === chosen));
    chosen?.scrollIntoView({ block: "nearest" });
    const input = find("[data-palette] input");
    if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function paletteKey(event) {
    const at = options().findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at - 1);
    else if (event.key === "Enter" && !event.isComposing) options()[at]?.click();
    else return;
    event.preventDefault();
  }

  // ---- Keys --------------------------------------------------------------------------------------------------------

  const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  function pressed(event) {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.key === "Escape") {
      const open = event.target.closest?.("details[data-menu][open]");
      closeMenus();
      if (open) find("summary", open).focus();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || event.defaultPrevented || find("dialog[open]")) return;
    if (keysOff()) return;
    if (event.key === "?") open("keys");
    if (event.key === "w") openSwitcher(event);
    // A page with a search of its own (data-own-search on <main>) takes "/" itself.
    if (event.key === "/" && !find("[data-own-search]")) {
      const search = all(".bar-search input, .search-form input").find((input) => input.offsetParent);
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
  }

  function open(id) {
    const dialog = find(`#${CSS.escape(id)}`);
    if (dialog && !dialog.open) dialog.showModal();
  }

  // Single keys can be switched off (WCAG 2.1.4): whoever speaks to the computer types whole words at once.
  function keysOff() {
    try {
      return localStorage.getItem("lectern-keys") === "off";
    } catch {
      return false;
    }
  }

  function switchKeys(on) {
    try {
      if (on) localStorage.removeItem("lectern-keys");
      else localStorage.setItem("lectern-keys", "off");
    } catch {
      // Storage is closed to us: they stay as they are.
    }
    showKeys();
  }

  function showKeys() {
    const box = find("[data-single-keys]");
    if (!box) return;
    box.checked = !keysOff();
    find("#keys").classList.toggle("keys-off", keysOff());
  }

  function openSwitcher(event) {
    const menu = find(".switcher");
    if (!menu) return;
    event.preventDefault();
    menu.open = true;
    find(".menu-items a", menu).focus();
  }

  // ---- Choosing rows -----------------------------------------------------------------------------------------------

  let lastChosen = null;
  const boxes = () => all('input[form="selection"]');

  function countChosen() {
    const chosen = boxes().filter((box) => box.checked).length;
    const count = find("[data-selection-count]");
    if (count) count.textContent = say("{count} chosen", { count: chosen });
    const every = find("[data-choose-all]");
    if (!every) return;
    every.checked = chosen > 0 && chosen === boxes().length;
    every.indeterminate = chosen > 0 && !every.checked;
  }

  // Shift-click chooses all rows from the last one touched to this one.
  function chooseRange(event) {
    const box = event.target;
    if (!box.matches?.('input[form="selection"]')) return;
    const found = boxes();
    const [from, to] = [found.indexOf(lastChosen), found.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const each of found.slice(from, to + 1)) each.checked = box.checked;
    lastChosen = box;
    countChosen();
  }

  // ---- Filter as one types -----------------------------------------------------------------------------------------

  let filterTimer = null;

  function filterSoon(input) {
    clearTimeout(filterTimer);
    filterTimer = setTimeout(() => {
      const query = new URLSearchParams([...new FormData(input.form)].filter(([, value]) => value));
      const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
      history.replaceState(history.state, "", address);
      const rows = find("#table").getAttribute("hx-get").split("?")[0];
      htmx.ajax("GET", `${rows}${query.size ? `?${query}` : ""}`, { source: "#table", target: "#documents", swap: "innerMorph" });
    }, 200);
  }

  // ---- Uploading ---------------------------------------------------------------------------------------------------

  const PARALLEL = 3;
  const uploads = { waiting: [], running: new Set(), added: 0, repositories: 0, open: new Set() };

  function readableSize(bytes) {
    const units = [say("bytes"), "kB", "MB", "GB"];
    let unit = 0;
    let size = bytes;
    while (size >= 1000 && unit < units.length - 1) { size /= 1000; unit += 1; }
    const digits = unit && size < 10 ? 1 : 0;
    return `${size.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false })} ${units[unit]}`;
  }

  function addFiles(files) {
    const form = find("[data-upload]");
    if (!form || !files.length) return;
    find("[data-uploads]").hidden = false;
    for (const file of files) sendable(begun({ file, url: form.action, field: "file", more: lying(form) }));
    sendNext();
  }

  // The folder that the page shows, which is where files come to lie.
  const lying = (form) => (form.elements.folder ? { folder: form.elements.folder.value } : {});

  // Adds a folder as one archive, which `pack` makes. note: what is in it.
  async function addArchive(name, note, pack) {
    const form = find("[data-upload]");
    if (!form) return;
    find("[data-uploads]").hidden = false;
    const upload = begun({ file: { name, size: 0 }, url: form.dataset.repositories, field: "archive", more: { name, origin: "folder", ...lying(form) }, note });
    draw(upload, `${note} ${say("Packing…")}`, []);
    upload.file = await pack();
    upload.name = name;
    sendable(upload);
    sendNext();
  }

  function begun(upload) {
    const made = { item: element("li", "sending"), request: null, note: "", name: upload.file.name, ...upload };
    uploads.open.add(made);
    find("[data-uploads-list]").append(made.item);
    return made;
  }

  function sendable(upload) {
    const limit = Number(find("[data-upload]").dataset.maxBytes);
    if (upload.file.size > limit) refused(upload, say(upload.note ? "Packed, it is larger than {most} MiB." : "The file is larger than {most} MiB.", { most: Math.floor(limit / 2 ** 20) }), true);
    else wait(upload);
  }

  function wait(upload) {
    uploads.waiting.push(upload);
    draw(upload, `${upload.note} ${say("{size}, waiting", { size: readableSize(upload.file.size) })}`.trim(), [[say("Cancel"), () => forget(upload)]]);
  }

  function sendNext() {
    while (uploads.running.size < PARALLEL && uploads.waiting.length) send(uploads.waiting.shift());
    summarise();
  }

  function send(upload) {
    const request = upload.request = new XMLHttpRequest();
    const bar = element("progress");
    bar.max = upload.file.size || 1;
    bar.value = 0;
    bar.setAttribute("aria-label", say("Sending {name}", { name: upload.name }));
    uploads.running.add(upload);
    draw(upload, `${upload.note} ${readableSize(upload.file.size)}`.trim(), [[say("Cancel"), () => request.abort()]], bar);
    request.upload.onprogress = (event) => { bar.max = event.total; bar.value = event.loaded; };
    request.onload = () => finished(upload);
    request.onerror = () => refused(upload, say("The connection was lost before the file was through. Nothing of it was stored."));
    request.onabort = () => forget(upload);
    request.onloadend = () => { uploads.running.delete(upload); sendNext(); };
    const data = new FormData();
    data.append(upload.field, upload.file, upload.file.name);
    for (const [name, value] of Object.entries(upload.more)) data.append(name, value);
    request.open("POST", upload.url);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("HX-Request", "true");
    request.send(data);
  }

  function finished(upload) {
    const { status, responseText, responseURL } = upload.request;
    const told = new DOMParser().parseFromString(responseText, "text/html").querySelector("li.received");
    if (!told) return refused(upload, withoutAnswer(upload, status, responseURL));
    if (told.classList.contains("received-added")) {
      uploads.added += 1;
      uploads.repositories += told.classList.contains("received-repository") ? 1 : 0;
      return forget(upload);
    }
    const duplicate = told.classList.contains("received-duplicate");
    if (!duplicate) return refused(upload, find(".received-sentence", told).textContent, status < 500 && status !== 429);
    draw(upload, find(".received-sentence", told).textContent, [[say("Dismiss"), () => forget(upload)]]);
    upload.item.className = "duplicate";
    uploads.open.delete(upload);
  }

  // An answer that is not ours: a proxy's, the sign-in page, or an error page.
  function withoutAnswer(upload, status, url) {
    if (status === 413) return say("The file is larger than this server takes.");
    if (status === 403) return say("You may not add documents here any more. Reload the page.");
    if (status < 400 && new URL(url).pathname !== new URL(upload.url, location.href).pathname) return say("You have been signed out. Sign in in another tab, then retry.");
    return say("The server could not take the file just now. Nothing of it was stored.");
  }

  function refused(upload, sentence, final = false) {
    const retry = [say("Retry"), () => { wait(upload); sendNext(); }];
    const dismiss = [say("Dismiss"), () => forget(upload)];
    draw(upload, sentence, final ? [dismiss] : [retry, dismiss]);
    upload.item.className = "refused";
    if (final) uploads.open.delete(upload);
  }

  function forget(upload) {
    uploads.waiting = uploads.waiting.filter((each) => each !== upload);
    uploads.open.delete(upload);
    upload.item.remove();
    summarise();
  }

  function draw(upload, sentence, actions, bar) {
    const buttons = actions.map(([label, act]) => {
      const button = element("button", "button button-quiet button-small", label);
      button.type = "button";
      button.setAttribute("aria-label", `${label}: ${upload.name}`);
      button.addEventListener("click", act);
      return button;
    });
    const words = element("div", "sending-words");
    words.append(element("span", "sending-name", upload.name), element("span", "sending-sentence muted small", sentence));
    if (bar) words.append(bar);
    upload.item.className = "sending";
    upload.item.replaceChildren(words, ...buttons);
  }

  // "2 documents and 1 repository", of which either may be none.
  function added({ added: all, repositories: code }) {
    const parts = [all - code && many(all - code, "{count} document", "{count} documents"), code && many(code, "{count} repository", "{count} repositories")];
    return parts.filter(Boolean).join(say(" and "));
  }

  function summarise() {
    const panel = find("[data-uploads]");
    if (!panel) return;
    const left = uploads.running.size + uploads.waiting.length;
    const problems = all("[data-uploads-list] > :is(.refused, .duplicate)").length;
    const parts = [
      left && many(left, "Sending {count} file", "Sending {count} files"),
      uploads.added && say("{what} added", { what: added(uploads) }),
      problems && say("{count} not added", { count: problems }),
    ];
    find("[data-uploads-title]").textContent = parts.filter(Boolean).join(" · ");
    find("[data-uploads-clear]").hidden = left > 0;
    if (left || problems) return;
    if (uploads.added) toast(say("{what} added.", { what: added(uploads) }));
    closeUploads();
  }

  function closeUploads() {
    find("[data-uploads-list]").replaceChildren();
    find("[data-uploads]").hidden = true;
    uploads.added = uploads.repositories = 0;
    uploads.open.clear();
  }

  // ---- Dropping files, and whole folders (drop.js), anywhere on the page -------------------------------------------

  let dragDepth = 0;
  const carriesFiles = (event) => find("[data-upload]") && [...(event.dataTransfer?.types || [])].includes("Files");

  function showDrop(shown) {
    if (!shown) dragDepth = 0;
    const overlay = find("[data-drop]");
    if (overlay) overlay.hidden = !shown;
  }

  function dropped(event) {
    // Both must be read before anything is awaited: the browser empties the transfer when this handler returns.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    if (window.lectern.addEntries) window.lectern.addEntries(entries, files);
    else addFiles(files);
  }

  function watchDrops() {
    addEventListener("dragenter", (event) => { if (carriesFiles(event)) { dragDepth += 1; showDrop(true); } });
    addEventListener("dragleave", (event) => { if (carriesFiles(event)) { dragDepth -= 1; if (dragDepth <= 0) showDrop(false); } });
    addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      showDrop(false);
      dropped(event);
    });
    addEventListener("beforeunload", (event) => { if (uploads.running.size || uploads.waiting.length) event.preventDefault(); });
  }

  // ---- The connection of live pages --------------------------------------------------------------------------------

  const RETRY_SECONDS = 3;
  const cutOff = new Set();
  let leaving = false;

  function showConnection() {
    for (const each of cutOff) if (!each.isConnected) cutOff.delete(each);
    const notice = find("[data-connection]");
    if (notice) notice.hidden = leaving || (cutOff.size === 0 && navigator.onLine);
  }

  function watchConnection() {
    document.addEventListener("htmx:sse:error", (event) => { cutOff.add(event.target); showConnection(); });
    document.addEventListener("htmx:after:sse:connection", (event) => { cutOff.delete(event.target); showConnection(); });
    document.addEventListener("htmx:sse:close", (event) => { cutOff.delete(event.target); showConnection(); });
    // The extension reconnects a stream that broke; one whose first request failed it leaves alone.
    for (const name of ["htmx:error", "htmx:response:error"]) document.addEventListener(name, (event) => connectAgain(event.target));
    document.addEventListener("htmx:response:error", requestFailed);
    addEventListener("online", showConnection);
    addEventListener("offline", showConnection);
    addEventListener("pagehide", () => { leaving = true; });
    addEventListener("pageshow", () => { leaving = false; });
  }

  function connectAgain(source) {
    const url = source.getAttribute?.("hx-sse:connect");
    if (!url || leaving) return;
    cutOff.add(source);
    showConnection();
    setTimeout(() => { if (source.isConnected) htmx.ajax("GET", url, { source }); }, RETRY_SECONDS * 1000);
  }

  function requestFailed(event) {
    const status = event.detail.ctx?.response?.status;
    if (event.target.hasAttribute?.("hx-sse:connect")) return;
    if (status === 401) toast(say("You have been signed out. Reload the page to sign in."), "notice-warn");
    else if (status >= 500) toast(say("The server could not do that just now. Try again in a moment."), "notice-bad");
  }

  // ---- Wiring ------------------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    closeMenus(event.target);
    chooseRange(event);
    const target = event.target.closest?.("[data-dismiss], [data-open], [data-copy], [data-copy-from], [data-uploads-clear], [data-choose-all]");
    if (!target) return;
    if ("dismiss" in target.dataset) target.closest("[data-toast]").remove();
    else if ("open" in target.dataset) open(target.dataset.open);
    else if ("uploadsClear" in target.dataset) closeUploads();
    else if ("chooseAll" in target.dataset) { for (const box of boxes()) box.checked = target.checked; countChosen(); }
    else copy(target);
  });
  document.addEventListener("keydown", pressed);
  document.addEventListener("keydown", stepInMenu);
  document.addEventListener("input", (event) => { if (event.target.matches("[data-filter]")) filterSoon(event.target); });
  document.addEventListener("change", (event) => {
    if (event.target.closest?.("[data-theme-choice]")) chooseTheme(event.target.value);
    if (event.target.matches("[data-single-keys]")) switchKeys(event.target.checked);
    if (event.target.matches("[data-upload] input[type=file]")) { addFiles([...event.target.files]); event.target.value = ""; }
  });
  document.addEventListener("reset", (event) => { if (event.target.id === "selection") setTimeout(countChosen); });
  document.addEventListener("htmx:after:swap", countChosen);
  // A click beside a dialog closes it.
  document.addEventListener("click", (event) => { if (event.target.matches("dialog[open]")) event.target.close(); });

  const paletteInput = find("[data-palette] input");
  paletteInput?.addEventListener("input", () => fillPalette(paletteInput.value.trim()));
  paletteInput?.addEventListener("keydown", paletteKey);

  showTheme();
  showKeys();
  all("[data-toast]").forEach(leaveInTime);
  countChosen();
  watchDrops();
  watchConnection();
  if (find("[data-upload]") && new URLSearchParams(location.search).has("add")) find("#files").focus();

  window.lectern = { say, many, keysOff, toast, copy, csrfToken, openPalette, addFiles, addArchive };
})();
