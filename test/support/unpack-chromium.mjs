// Unpacks the Chromium that npm brought into $TMPDIR and exits. A process of its own, because the package reads these
// variables while it is imported and unpacks into the temporary folder, where two test workers would meet half a browser.
import chromium from '@sparticuz/chromium';

await chromium.executablePath();
