/** Drawings of the page's own. Each is hidden from screen readers: the words beside it say the same. */
import type { ComponentChildren } from 'preact';
import type { Severity } from '../../words.ts';

function Drawing({ children, className }: { children: ComponentChildren; className?: string }) {
  return (
    <svg class={`icon ${className ?? ''}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export type Shape = 'refer' | 'routine' | 'indeterminate' | 'none' | 'retake';

/** What to do, as a shape of its own, so that nobody needs the colour. */
export function TriageShape({ shape }: { shape: Shape }) {
  switch (shape) {
    case 'refer':
      return (
        <Drawing className="shape">
          <path d="M12 2 23 21.5H1Z" />
          <path class="mark" d="M12 9v6M12 17.6v.4" />
        </Drawing>
      );
    case 'routine':
      return (
        <Drawing className="shape">
          <circle cx="12" cy="12" r="10.5" />
          <path class="mark" d="m7 12.3 3.4 3.4L17 9" />
        </Drawing>
      );
    case 'indeterminate':
      return (
        <Drawing className="shape">
          <path d="M12 .8 23.2 12 12 23.2.8 12Z" />
          <path class="mark" d="M9.3 9.6a2.8 2.8 0 1 1 4.2 2.4c-.9.5-1.5 1-1.5 2.1M12 16.9v.4" />
        </Drawing>
      );
    case 'retake':
      return (
        <Drawing className="shape">
          <rect x="1.5" y="1.5" width="21" height="21" rx="3" />
          <path class="mark" d="M17 12a5 5 0 1 1-1.6-3.7M16 5v3.6h-3.6" />
        </Drawing>
      );
    case 'none':
      return (
        <Drawing className="shape">
          <rect x="1.5" y="5.5" width="21" height="13" rx="6.5" />
          <path class="mark" d="M8 12h8" />
        </Drawing>
      );
  }
}

export function SeverityShape({ severity }: { severity: Severity }) {
  switch (severity) {
    case 'ok':
      return (
        <Drawing className="severity is-ok">
          <circle cx="12" cy="12" r="10.5" />
          <path class="mark" d="m7 12.3 3.4 3.4L17 9" />
        </Drawing>
      );
    case 'notice':
      return (
        <Drawing className="severity is-notice">
          <circle cx="12" cy="12" r="10.5" />
          <path class="mark" d="M12 10.5V17M12 7v.4" />
        </Drawing>
      );
    case 'warning':
      return (
        <Drawing className="severity is-warning">
          <path d="M12 2 23 21.5H1Z" />
          <path class="mark" d="M12 9v6M12 17.6v.4" />
        </Drawing>
      );
    case 'fault':
      return (
        <Drawing className="severity is-fault">
          <path d="M8 1.5h8L22.5 8v8L16 22.5H8L1.5 16V8Z" />
          <path class="mark" d="m8.5 8.5 7 7m0-7-7 7" />
        </Drawing>
      );
  }
}

const LINES = {
  capture: 'M4 7.5h3.5L9 5h6l1.5 2.5H20v11.500H4ZM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Z',
  patient: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.6-4 3.600-6 7.500-6s6.900 2 7.500 6Z',
  history: 'M4.500 12a7.500 7.500 0 1 0 2.300-5.400M4.500 4v3.500H8M12 7.500V12l3 2',
  status: 'M3 12h4l2.500-6.500 5 13L17 12h4',
  settings: 'M4 7h9m4 0h3M4 17h3m4 0h9M15 4.500v5M9 14.500v5',
  back: 'm14.500 5-7 7 7 7',
  close: 'm6 6 12 12M18 6 6 18',
  undo: 'M9 5 4.500 9.500 9 14M5 9.500h8.500a5 5 0 0 1 0 10H10',
  scan: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 9v6M12 9v6M16 9v6',
  keys: 'M3 6.500h18v11H3ZM6.500 10h.5M10 10h.5M13.500 10h.5M17 10h.5M8 14h8',
  delete: 'M8 5.500h12v13H8L3 12ZM11.500 9.500l5 5m0-5-5 5',
  search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500 20.500 20.500',
  body: 'M12 7a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM7 9h10l-1.500 5.500V22h-2.500v-5.500h-2V22H8.500v-7.500Z',
  lock: 'M6 11h12v9.500H6ZM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  again: 'M19 12a7 7 0 1 1-2.200-5.100M17.500 3v4.500H13',
  next: 'M5 12h13M12.500 6.500 18 12l-5.500 5.500',
  sent: 'm4 12.500 5 5L20 6.500',
  waiting:
    'M7 3.500h10M7 20.500h10M8 3.500c0 5 8 6 8 8.500s-8 3.500-8 8.500M16 3.500c0 5-8 6-8 8.500s8 3.500 8 8.500',
} as const;
export type LineName = keyof typeof LINES;

/** Icons whose meaning is a direction turn round where people write from the right. */
const TURNS: readonly LineName[] = ['back', 'undo', 'next', 'delete'];

export function Line({ name }: { name: LineName }) {
  return (
    <Drawing className={TURNS.includes(name) ? 'line turns' : 'line'}>
      <path d={LINES[name]} />
    </Drawing>
  );
}
