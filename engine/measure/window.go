package measure

import "time"

// Window is the time from the first to the last moment of the selected pods:
// what a probe must have seen to speak for them. Both are zero without any.
func (p *Pods) Window(q PodsQuery) [2]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var s stretch
	matches := p.matches(q.Selector)
	for _, l := range p.lives {
		if l.warmUp || l.namespace != q.Namespace || l.first != never && !matches(l.labels) {
			continue
		}
		s.add(l.first)
		for _, at := range l.reached {
			s.add(at)
		}
	}
	return s.since(p.base)
}

// Window is the time from the first to the last moment of all objects.
func (o *Objects) Window() [2]time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	var s stretch
	for _, sp := range o.spans {
		s.add(sp.start)
		s.add(sp.end)
	}
	return s.since(o.base)
}

// stretch is what lies between moments.
type stretch struct {
	any      bool
	from, to moment
}

func (s *stretch) add(at moment) {
	switch {
	case at == never:
	case !s.any:
		s.any, s.from, s.to = true, at, at
	default:
		s.from, s.to = min(s.from, at), max(s.to, at)
	}
}

func (s *stretch) since(base time.Time) [2]time.Time {
	if !s.any {
		return [2]time.Time{}
	}
	return [2]time.Time{base.Add(time.Duration(s.from)), base.Add(time.Duration(s.to))}
}
