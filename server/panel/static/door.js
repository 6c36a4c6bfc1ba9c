// The door of a panel that is open to the network: asks for the token, unless the address that was scanned brought it.

export class Door {
  constructor(dialog, onOpen) {
    this.dialog = dialog;
    this.onOpen = onOpen;
    this.form = dialog.querySelector("form");
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.#knock(this.form.elements.token.value);
    };
    dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  async ask() {
    const brought = location.hash.slice(1);
    if (brought) {
      history.replaceState(null, "", location.pathname);
      if (await this.#knock(brought)) return;
    }
    if (!this.dialog.open) this.dialog.showModal();
  }

  async #knock(token) {
    const answer = await fetch("/door", { method: "POST", body: token.slice(0, 100) });
    if (!answer.ok) {
      this.dialog.querySelector("[role=alert]").textContent = (await answer.json()).reason;
      return false;
    }
    this.dialog.close();
    this.onOpen();
    return true;
  }
}
