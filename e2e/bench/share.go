package main

// This file gives a process the share of a CPU that a small Lambda function has.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Lambda gives a function CPU in proportion to its memory, one core at 1,769 MB
// (Lambda developer guide, "Configure Lambda function memory").
const cores128MB = 128.0 / 1769

// A share is a control group with a CPU quota for each process (see cgroups(7);
// versions 1 and 2 are supported). Making one needs root.
type share struct {
	dir    string // our own group; below it one for each process
	cores  float64
	period time.Duration
	v2     bool
	n      int64
}

func newShare(cores float64, period time.Duration) (*share, error) {
	const root = "/sys/fs/cgroup"
	name := "customauth-bench-" + strconv.Itoa(os.Getpid())
	s := &share{cores: cores, period: period}
	controllers, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	switch {
	case err == nil && strings.Contains(string(controllers), "cpu"):
		s.v2, s.dir = true, filepath.Join(root, name)
	case exists(filepath.Join(root, "cpu/cpu.cfs_quota_us")):
		s.dir = filepath.Join(root, "cpu", name)
	default:
		return nil, errors.New("no control group here limits CPU")
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		return nil, err
	}
	if s.v2 {
		for _, dir := range []string{root, s.dir} {
			if err := write(dir, "cgroup.subtree_control", "+cpu"); err != nil {
				s.close()
				return nil, err
			}
		}
	}
	return s, nil
}

// A group is the control group of one process.
type group struct {
	s   *share
	dir string
}

// group makes a control group for one process, with the quota set.
func (s *share) group() (*group, error) {
	s.n++
	g := &group{s, filepath.Join(s.dir, strconv.FormatInt(s.n, 10))}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	period := s.period.Microseconds()
	quota := strconv.FormatInt(int64(s.cores*float64(period)), 10)
	// The weight is the highest there is: other work on this machine should not
	// count.
	if s.v2 {
		return g, errors.Join(
			write(g.dir, "cpu.weight", "10000"),
			write(g.dir, "cpu.max", fmt.Sprintf("%s %d", quota, period)))
	}
	return g, errors.Join(
		write(g.dir, "cpu.shares", "262144"),
		write(g.dir, "cpu.cfs_period_us", strconv.FormatInt(period, 10)),
		write(g.dir, "cpu.cfs_quota_us", quota))
}

// limit moves a process with all its threads into the group.
func (g *group) limit(pid int) error { return write(g.dir, "cgroup.procs", strconv.Itoa(pid)) }

// lift takes the quota away, so that the process can end.
func (g *group) lift() {
	if g.s.v2 {
		write(g.dir, "cpu.max", "max")
	} else {
		write(g.dir, "cpu.cfs_quota_us", "-1")
	}
}

// remove removes the group of a process that has ended.
func (g *group) remove() { remove(g.dir) }

func (s *share) close() { remove(s.dir) }

// remove removes a group. The kernel lets go of an ended process a moment later.
func remove(dir string) {
	for range 100 {
		if os.Remove(dir) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func write(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }
