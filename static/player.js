// A recording beside its transcript: a click on a time or a citation plays from there, and what is spoken is marked.
(() => {
  "use strict";

  const audio = document.querySelector("#player audio");
  const pages = document.querySelector("#pages");
  const follow = document.querySelector("[data-follow]");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  if (!audio || !pages) return;

  let stopAt = Infinity; // where a citation ends
  let now = null; // the paragraph that is spoken
  let sent = false; // whether it was this script that has moved the player

  function seek(seconds) {
    const go = () => { sent = true; audio.currentTime = seconds; };
    // Before it is known how long the recording is, a browser drops where it was sent.
    if (audio.readyState) go();
    else audio.addEventListener("loadedmetadata", go, { once: true });
  }

  function play(from, to = Infinity) {
    seek(from);
    stopAt = to;
    audio.play().catch(() => {}); // a browser may want a click first: the player then waits at the place
  }

  function spokenAt(seconds) {
    let found = null;
    for (const each of pages.querySelectorAll("[data-from]")) {
      if (Number(each.dataset.from) > seconds) break;
      found = each;
    }
    return found && seconds < Number(found.dataset.to) + 1 ? found : null;
  }

  function mark() {
    const spoken = audio.paused && !audio.currentTime ? null : spokenAt(audio.currentTime);
    if (spoken === now) return;
    now?.removeAttribute("aria-current");
    now = spoken;
    now?.setAttribute("aria-current", "true");
    if (now && !audio.paused && follow.getAttribute("aria-pressed") === "true") keepInView(now);
  }

  function keepInView(each) {
    const box = each.getBoundingClientRect();
    const frame = pages.getBoundingClientRect();
    if (box.top >= frame.top && box.bottom <= frame.bottom) return;
    pages.scrollTo({ top: pages.scrollTop + box.top - frame.top - frame.height * 0.3, behavior: calm.matches ? "instant" : "smooth" });
  }

  audio.addEventListener("timeupdate", () => {
    if (audio.currentTime >= stopAt) {
      stopAt = Infinity;
      audio.pause();
    }
    mark();
  });
  audio.addEventListener("seeked", mark);
  // Whoever moves or stops the player by hand does not want to be stopped where a citation ends.
  audio.addEventListener("seeking", () => { if (!sent) stopAt = Infinity; sent = false; });
  audio.addEventListener("pause", () => { stopAt = Infinity; });

  document.addEventListener("click", (event) => {
    const time = event.target.closest?.("[data-seek]");
    if (time) {
      event.preventDefault();
      play(Number(time.dataset.seek));
      return;
    }
    if (event.target.closest?.("[data-follow]")) follow.setAttribute("aria-pressed", String(follow.getAttribute("aria-pressed") !== "true"));
  });

  let opened = false; // what the page was opened at is shown, and waits to be played
  document.addEventListener("lectern:place", ({ detail }) => {
    if (detail.start_seconds === null) return;
    if (!opened && new URLSearchParams(location.search).has("start_char") && !navigator.userActivation?.isActive) seek(detail.start_seconds);
    else play(detail.start_seconds, detail.end_seconds);
    opened = true;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, audio, dialog") || window.lectern.keysOff()) return;
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  });
})();
