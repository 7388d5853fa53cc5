// Says on the page what came of a passkey, where allauth's script would tell the console alone.
(() => {
  const say = (text) => window.lectern.say(text); // which is there when this is called: app.js is loaded after the page
  const WORDS = {
    NotAllowedError: "Nothing came of it: it was called off, or took too long. You can try again.",
    InvalidStateError: "This device or key is on your list already.",
    SecurityError: "This browser makes no passkeys for this address.",
    NotSupportedError: "This device cannot do what is asked of it here.",
  };
  const place = document.querySelector("[data-passkey-problem]");
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const name = event.detail.exception?.name;
    place.querySelector("p").textContent = window.PublicKeyCredential ? say(WORDS[name] || "That did not work. Try again.") : say("This browser knows no passkeys.");
    place.hidden = false;
  });
})();
