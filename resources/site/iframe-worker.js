// Lets the search of the built guide work from a disk, where browsers start no workers: what a worker would do is done in a
// hidden frame. Without this the theme would fetch such a script from a network.

class IFrameWorker extends EventTarget {
  constructor(url) {
    super();
    this.frame = Object.assign(document.createElement("iframe"), { hidden: true });
    document.body.append(this.frame);
    const inner = this.frame.contentWindow;
    inner.document.open();
    inner.document.write("<!doctype html><body></body>");
    inner.document.close();
    inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
    const script = Object.assign(inner.document.createElement("script"), { src: url });
    this.ready = new Promise((loaded) => script.addEventListener("load", loaded));
    inner.document.body.append(script);
  }

  postMessage(data) {
    this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
  }

  terminate() {
    this.frame.remove();
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker;
  window.Worker = IFrameWorker;
}
