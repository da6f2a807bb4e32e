// Files that are dropped or pasted go to their uploader; a click or a drag on the photo becomes a point or a box.
(() => {
  const give = (kind, files) => {
    const uploader = document.querySelector(`[data-uploader="${kind}"]`);
    if (uploader && files.length) getElement(Number(uploader.id.slice(1))).$refs.qRef.addFiles([...files]);
  };
  const dragging = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    dragging(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || dragging(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    dragging(false);
    give(event.target.closest?.("[data-drop]")?.dataset.drop ?? "photo", event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => give("photo", event.clipboardData.files));

  let focused = null; // what is drawn anew keeps the keyboard's place
  document.addEventListener("focusin", (event) => (focused = event.target.dataset?.key ?? null));
  new MutationObserver(() => {
    if (focused === null || document.activeElement !== document.body) return;
    document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });

  const ENOUGH = 8; // pixels from which a click is a drag
  let begun = null;
  const share = (event, image) => {
    const place = image.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return [within((event.clientX - place.left) / place.width), within((event.clientY - place.top) / place.height)];
  };
  const far = (event) => Math.hypot(event.clientX - begun.x, event.clientY - begun.y) >= ENOUGH;
  const end = () => {
    begun?.band?.remove();
    begun = null;
  };
  document.addEventListener("pointerdown", (event) => {
    const image = event.target.closest?.(".drawable")?.querySelector("img");
    if (!image || event.button || !event.isPrimary) return;
    begun = { x: event.clientX, y: event.clientY, image, from: share(event, image), band: null };
  });
  document.addEventListener("pointermove", (event) => {
    if (!begun || !far(event)) return;
    if (!begun.band) {
      begun.band = Object.assign(document.createElement("div"), { className: "band" });
      document.body.append(begun.band);
    }
    const [left, top] = [Math.min(begun.x, event.clientX), Math.min(begun.y, event.clientY)];
    const [width, height] = [Math.abs(begun.x - event.clientX), Math.abs(begun.y - event.clientY)];
    Object.assign(begun.band.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  });
  document.addEventListener("pointerup", (event) => {
    if (!begun) return;
    const to = share(event, begun.image);
    if (far(event)) emitEvent("boxed", [...begun.from, ...to]);
    else emitEvent("picked", to);
    end();
  });
  document.addEventListener("pointercancel", end); // a finger that scrolls
})();
