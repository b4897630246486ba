(() => {
  // The reader's own way of writing numbers and times; what cannot be written so stays as it is.
  const language = navigator.language || "en";
  const zone = document.querySelector("header").dataset.zone;
  const write = (element, make) => { try { element.textContent = make(); } catch { /* an unknown currency or zone */ } };
  const number = (options) => new Intl.NumberFormat(language, options);
  const forms = {
    number: () => number({ maximumFractionDigits: 0 }), days: () => number({ maximumFractionDigits: 0 }),
    percent: () => number({ style: "percent", maximumFractionDigits: 0 }),
    money: (element) => number({ style: "currency", currency: element.dataset.currency, maximumFractionDigits: 0 }),
  };
  for (const element of document.querySelectorAll("data[data-kind]"))
    write(element, () => forms[element.dataset.kind](element).format(Number(element.value)));
  for (const element of document.querySelectorAll("time")) {
    const text = element.dateTime, isDay = text.length === 10;
    const form = element.closest("h1") ? { dateStyle: "full" } : isDay ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    write(element, () => new Intl.DateTimeFormat(language, { ...form, timeZone: isDay ? "UTC" : zone }).format(new Date(text)));
  }
  const specs = document.getElementById("specs");
  if (!specs || typeof vegaEmbed === "undefined") return;
  const parts = number().formatToParts(-1234567.5), part = (type, otherwise) => (parts.find((each) => each.type === type) || { value: otherwise }).value;
  const names = (options, dates) => dates.map((date) => new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(date));
  const months = [...Array(12).keys()].map((month) => new Date(Date.UTC(2024, month, 1)));
  const days = [...Array(7).keys()].map((day) => new Date(Date.UTC(2024, 8, 1 + day)));
  const formatLocale = { decimal: part("decimal", "."), thousands: part("group", ","), grouping: [3], currency: ["", ""] };
  const timeFormatLocale = {
    dateTime: "%x %X", date: "%x", time: "%X", periods: ["AM", "PM"], days: names({ weekday: "long" }, days), shortDays: names({ weekday: "short" }, days),
    months: names({ month: "long" }, months), shortMonths: names({ month: "short" }, months),
  };
  const options = { actions: false, logLevel: 1, renderer: "svg", formatLocale, timeFormatLocale, tooltip: { disableDefaultStyle: true } };
  const drawn = Object.entries(JSON.parse(specs.textContent)).map(([id, spec]) => vegaEmbed(`#${id}`, spec, options));
  Promise.all(drawn).then(() => { document.documentElement.dataset.drawn = "yes"; });
})();
