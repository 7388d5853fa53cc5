// Dropping folders: one that is mostly source code becomes a repository, packed here into one archive; one of documents
// becomes its documents. Single files and archives are for app.js and the server.
(() => {
  "use strict";

  const { say, many, toast, addFiles, addArchive } = window.lectern;
  // What tools make or fetch and version control keeps: thousands of files that nobody wrote, left out before they are read.
  const SKIPPED = new Set(".git .hg .svn node_modules bower_components .venv venv __pycache__ .tox .nox .mypy_cache .pytest_cache .ruff_cache .gradle .idea .DS_Store Thumbs.db".split(" "));
  const CODE = /\.(py|pyi|ipynb|js|mjs|cjs|jsx|ts|tsx|vue|svelte|java|kt|kts|scala|go|rs|c|h|cc|cpp|cxx|hpp|hh|m|mm|cs|fs|vb|rb|php|pl|lua|r|jl|swift|dart|ex|exs|erl|clj|hs|ml|sql|sh|bash|zsh|ps1|css|scss|sass|less|yaml|yml|toml|json|ini|cfg|gradle|cmake|tf|proto)$|(^|\/)(Makefile|Dockerfile|Gemfile|Rakefile|CMakeLists\.txt)$/i;
  const DOCUMENT = /\.(pdf|docx?|docm|odt|rtf|html?|md|markdown|txt|eml|png|jpe?g|tiff?|webp|wav|mp3|m4a|flac|ogg)$/i;

  // ---- Reading a folder --------------------------------------------------------------------------------------------

  const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

  async function entriesOf(folder) {
    const reader = folder.createReader();
    const found = [];
    // A reader hands out a folder in batches until one is empty.
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!batch.length) return found;
      found.push(...batch);
    }
  }

  // What is in a folder: its files with their paths below it, and what was left out on the way.
  async function walked(folder) {
    const files = [];
    const skipped = [];
    const waiting = [[folder, ""]];
    while (waiting.length) {
      const [place, path] = waiting.pop();
      for (const each of await entriesOf(place)) {
        if (SKIPPED.has(each.name)) skipped.push(path + each.name);
        else if (each.isDirectory) waiting.push([each, `${path}${each.name}/`]);
        else files.push({ path: path + each.name, entry: each });
      }
    }
    return { files, skipped };
  }

  function isCode({ files, skipped }) {
    if (skipped.includes(".git") || skipped.includes(".hg")) return true;
    const code = files.filter(({ path }) => CODE.test(path)).length;
    const documents = files.filter(({ path }) => DOCUMENT.test(path)).length;
    return code > 0 && code >= documents;
  }

  // ---- Packing: a tar archive as POSIX has it (ustar, with a pax header for what does not fit) -------------------------

  const BLOCK = 512;
  const encoder = new TextEncoder();

  function header(name, size, kind) {
    const block = new Uint8Array(BLOCK);
    const put = (at, words) => block.set(encoder.encode(words), at);
    block.set(encoder.encode(name).subarray(0, 100), 0);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, `${size.toString(8).padStart(11, "0")}\0`);
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, kind);
    put(257, "ustar\x0000");
    const sum = block.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
    return block;
  }

  const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

  // A record counts its own length, digits included.
  function paxRecord(path) {
    const rest = encoder.encode(` path=${path}\n`).length;
    let length = rest;
    while (length !== rest + String(length).length) length = rest + String(length).length;
    return encoder.encode(`${length} path=${path}\n`);
  }

  function* blocksOf(path, file) {
    if (encoder.encode(path).length > 100) {
      const record = paxRecord(path);
      yield header("path", record.length, "x");
      yield record;
      yield padding(record.length);
    }
    yield header(path, file.size, "0");
    yield file;
    yield padding(file.size);
  }

  // The files themselves are parts of the archive: none of them is read before it is sent.
  async function packed(files) {
    const parts = [];
    for (const { path, entry } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) parts.push(...blocksOf(path, await fileOf(entry)));
    parts.push(new Uint8Array(2 * BLOCK));
    const tar = new Blob(parts);
    if (!window.CompressionStream) return [tar, "tar"];
    return [await new Response(tar.stream().pipeThrough(new CompressionStream("gzip"))).blob(), "tar.gz"];
  }

  // ---- What becomes of it ------------------------------------------------------------------------------------------

  async function addFolder(folder) {
    const found = await walked(folder);
    if (!found.files.length) return toast(say("There is no file in {name}.", { name: folder.name }), "notice-warn");
    if (!isCode(found)) {
      const shown = found.files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
      return addFiles(await Promise.all(shown.map(({ entry }) => fileOf(entry))));
    }
    const names = found.skipped.slice(0, 3).join(", ");
    const left = found.skipped.length > 3 ? say("{names} and more left out.", { names }) : found.skipped.length ? say("{names} left out.", { names }) : "";
    const note = many(found.files.length, "A repository of {count} file.", "A repository of {count} files.");
    await addArchive(folder.name, `${note} ${left}`.trim(), async () => {
      const [archive, ending] = await packed(found.files);
      return new File([archive], `${folder.name}.${ending}`);
    });
    return undefined;
  }

  window.lectern.addEntries = async (entries, files) => {
    if (!entries.some((entry) => entry.isDirectory)) return addFiles(files);
    for (const entry of entries) {
      try {
        if (entry.isDirectory) await addFolder(entry);
        else addFiles([await fileOf(entry)]);
      } catch {
        toast(say("{name} could not be read by the browser. Choose its files instead, or pack them into an archive.", { name: entry.name }), "notice-bad");
      }
    }
    return undefined;
  };
})();
