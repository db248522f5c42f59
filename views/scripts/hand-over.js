// Opens the program that waits for the answer; without this script the link is there to be pressed.
const link = document.querySelector('a[data-hand-over]');
if (link !== null) location.assign(link.href);
