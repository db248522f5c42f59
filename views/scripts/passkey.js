// Shows what works with a passkey and makes it work: asks the server what to ask, asks the authenticator, posts its answer.
// Without this script, or in a browser that cannot, the password form stands alone.
const able =
  typeof PublicKeyCredential === 'function' &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential &&
  'parseCreationOptionsFromJSON' in PublicKeyCredential;

for (const form of able ? document.querySelectorAll('form[data-passkey]') : []) {
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const failed = form.querySelector('[data-passkey-failed]');
    const button = form.querySelector('button');
    failed.hidden = true;
    button.disabled = true;
    try {
      form.elements.namedItem('passkey').value = JSON.stringify(await answer(form));
      form.submit();
    } catch {
      failed.hidden = false;
      button.disabled = false;
    }
  });
}
for (const element of able ? document.querySelectorAll('[data-without-passkey]') : []) element.hidden = true;

async function answer(form) {
  const csrf = form.elements.namedItem('csrf').value;
  const response = await fetch(form.dataset.options, { method: 'POST', body: new URLSearchParams({ csrf }) });
  if (!response.ok) throw new Error('the server did not say what to ask');
  const options = await response.json();
  const credential =
    form.dataset.passkey === 'new'
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
        });
  return credential.toJSON();
}
