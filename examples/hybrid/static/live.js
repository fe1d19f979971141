// Keeps the shelf and the news up to date. Without this script the page shows what was true when it was loaded.
"use strict";

const feed = document.getElementById("feed");
const sign = document.getElementById("live");
const source = new EventSource("/live?after=" + feed.dataset.last);

source.addEventListener("open", () => { sign.hidden = false; });
source.addEventListener("error", () => { sign.hidden = true; });
source.addEventListener("stock", (event) => {
  const news = JSON.parse(event.data);
  showStock(news);
  const line = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = news.at;
  line.className = "new";
  line.append(time, " " + news.text);
  feed.prepend(line);
  while (feed.children.length > 6) feed.lastElementChild.remove();
});

function showStock(news) {
  const book = document.querySelector('[data-book="' + news.book + '"]');
  if (!book) return; // not among the books that were searched for
  book.querySelector(".stock b").textContent = news.stock;
  book.querySelector("meter").value = news.stock;
  const button = book.querySelector("button");
  if (button) button.disabled = news.stock === 0;
}
