// Brings the token from behind the # of the address, and takes it out of there. This only asks what the link is about.
const form = document.querySelector("form");
const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname);
  form.elements.token.value = token;
  form.submit();
}
