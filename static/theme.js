// The chosen theme, before anything is drawn. Without a choice the system's own stands (see app.css).
try {
  const theme = localStorage.getItem("lectern-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be closed to us; the system's theme stands.
}
document.documentElement.classList.add("scripted");
