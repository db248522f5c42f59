// Shows the copy buttons and makes them work; without this script the text is there to be selected.
for (const button of document.querySelectorAll('[data-copy]')) {
  const label = button.querySelector('span');
  if (label === null || navigator.clipboard === undefined) continue;
  const idle = label.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = button.dataset.copied;
    setTimeout(() => {
      label.textContent = idle;
    }, 2000);
  });
}
