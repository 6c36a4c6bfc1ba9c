// The dialog that asks for the token of a panel that is open to the network. A scanned address contains the token,
// after its #, and then the dialog stays closed.

const LONGEST_TOKEN = 100;

export class TokenDialog {
  // `onAccepted` is called once the jam has accepted a token.
  constructor(dialog, onAccepted) {
    this.dialog = dialog;
    this.onAccepted = onAccepted;
    this.form = dialog.querySelector("form");
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit(this.form.elements.token.value);
    };
    dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  async askForToken() {
    const scannedToken = location.hash.slice(1);
    if (scannedToken) {
      history.replaceState(null, "", location.pathname);
      if (await this.#submit(scannedToken)) return;
    }
    if (!this.dialog.open) this.dialog.showModal();
  }

  // Whether the jam accepted the token.
  async #submit(token) {
    const response = await fetch("/access", { method: "POST", body: token.slice(0, LONGEST_TOKEN) });
    if (!response.ok) {
      this.dialog.querySelector("[role=alert]").textContent = (await response.json()).reason;
      return false;
    }
    this.dialog.close();
    this.onAccepted();
    return true;
  }
}
