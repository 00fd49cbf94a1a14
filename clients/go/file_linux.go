//go:build linux && (amd64 || arm64 || riscv64 || loong64)

package shm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// fileIdentity tells files under one name apart.
type fileIdentity struct {
	device, inode uint64
}

func identityOf(info os.FileInfo) fileIdentity {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileIdentity{uint64(stat.Dev), stat.Ino}
	}
	return fileIdentity{}
}

// mapFile does the checks of docs/SHM_LAYOUT.md section 2, in their order, then maps the file.
func mapFile(path string) (mapping, Header, fileIdentity, error) {
	fail := func(err error) (mapping, Header, fileIdentity, error) {
		return mapping{}, Header{}, fileIdentity{}, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fail(&Error{codeOfOpening(err), err.Error()})
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return fail(&Error{NotARegion, path + " is not a regular file"})
	}
	bytes := make([]byte, headerBytes)
	count, err := file.ReadAt(bytes, 0)
	if err != nil && err != io.EOF {
		return fail(&Error{NotARegion, err.Error()})
	}
	header, err := parseHeader(bytes[:count], info.Size())
	if err != nil {
		var documented *Error
		if errors.As(err, &documented) {
			documented.Message = fmt.Sprintf("%s (%s)", documented.Message, path)
		}
		return fail(err)
	}
	mapped, err := syscall.Mmap(int(file.Fd()), 0, int(header.TotalBytes), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fail(&Error{Unavailable, fmt.Sprintf("mmap %s: %v", path, err)})
	}
	return mapping{mapped}, header, identityOf(info), nil
}

func unmapFile(m mapping) { _ = syscall.Munmap(m.bytes) }

func codeOfOpening(err error) Code {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return NotFound
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return Permission
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO):
		return NotARegion
	}
	return Unavailable
}
