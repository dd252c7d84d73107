// Charts from the figures that a page carries as JSON; colours follow the page's own, light or dark.
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";

Chart.register(
  BarController, BarElement, CategoryScale, Filler, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip,
);

interface Series {
  name: string;
  values: number[];
  dashed?: boolean;
}

interface Figures {
  kind: "line" | "bar";
  labels: string[];
  series: Series[];
  unit: string;
  locale: string;
}

const COLOURS = { light: ["#0f766e", "#b45309", "#4338ca", "#be185d"], dark: ["#2dd4bf", "#fbbf24", "#a5b4fc", "#f9a8d4"] };

/** Draws the figures that the canvas names, and again when light turns dark. */
export function draw(canvas: HTMLCanvasElement): void {
  const source = document.getElementById(canvas.dataset.chart ?? "");
  if (source === null) return;
  const figures = JSON.parse(source.textContent ?? "") as Figures;
  let chart = make(canvas, figures);
  new MutationObserver(() => {
    chart.destroy();
    chart = make(canvas, figures);
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}

function make(canvas: HTMLCanvasElement, figures: Figures): Chart {
  const isDark = document.documentElement.dataset.bsTheme === "dark";
  const colours = isDark ? COLOURS.dark : COLOURS.light;
  const text = isDark ? "#a3b0c0" : "#56606e";
  const grid = isDark ? "#ffffff1a" : "#0000001a";
  const write = new Intl.NumberFormat(figures.locale);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || navigator.webdriver;
  return new Chart(canvas, {
    type: figures.kind,
    data: {
      labels: figures.labels,
      datasets: figures.series.map((series, index) => ({
        label: series.name,
        data: series.values,
        borderColor: colours[index % colours.length],
        backgroundColor: `${colours[index % colours.length]}${figures.kind === "bar" ? "cc" : "22"}`,
        borderDash: series.dashed ? [5, 4] : [],
        borderWidth: 2,
        pointRadius: 0,
        pointHitRadius: 12,
        fill: figures.kind === "line" && index === 0,
        tension: 0.25,
      })),
    },
    options: {
      animation: calm ? false : { duration: 300 },
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: figures.series.length > 1, position: "bottom", labels: { color: text, boxWidth: 14 } },
        tooltip: {
          callbacks: {
            label: (item) => ` ${item.dataset.label}: ${write.format(Number(item.raw))} ${figures.unit}`.trimEnd(),
          },
        },
      },
      scales: {
        x: { ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false } },
        y: {
          beginAtZero: true,
          ticks: { color: text, precision: 0, callback: (value) => write.format(Number(value)) },
          grid: { color: grid },
        },
      },
    },
  });
}
