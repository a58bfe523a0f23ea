#!/bin/sh
# 从本文件夹安装 gridsvc，不访问任何网络 / Installs gridsvc from this folder, with no network at all.
#
#   ./install.sh [PREFIX]        默认 / by default /srv/gridsvc
#   PYTHON=/usr/bin/python3.11 ./install.sh
set -eu
umask 022

prefix=${1:-/srv/gridsvc}
python=${PYTHON:-python3}
cd "$(dirname "$0")"
version=$(cat VERSION)
machine=$(uname -m)

fail() {
    printf '%s\n%s\n' "$1" "$2" >&2
    exit 1
}

case $prefix in
/*) ;;
*) fail "安装位置应为绝对路径：$prefix" "give the prefix as an absolute path: $prefix" ;;
esac
[ -f "requirements-$machine.txt" ] || fail \
    "本安装包不支持 $machine：请用 make bundle ARCH=$machine 制作" \
    "this bundle is not for $machine: make one with make bundle ARCH=$machine"
"$python" -I -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || fail \
    "需要 Python 3.11（Debian 12 自带）：apt-get install python3，或用 PYTHON= 指定" \
    "Python 3.11 is needed, as Debian 12 has it: apt-get install python3, or name one with PYTHON="
"$python" -I -c 'import ensurepip, venv' 2>/dev/null || fail \
    "缺少 Python 虚拟环境组件：apt-get install python3-venv（可从 Debian 安装盘安装）" \
    "the venv module is missing: apt-get install python3-venv (Debian's disc has it)"
sha256sum --quiet --strict --check SHA256SUMS || fail \
    "文件与校验和不符，未安装：请重新复制安装包" \
    "files do not match their checksums, nothing was installed: copy the bundle again"

home=$prefix/$version
if [ -e "$home/.installed" ]; then
    echo "gridsvc $version 已安装在 $home / is installed in $home already"
else
    echo "正在安装到 $home，约需一分钟 / Installing into $home: about a minute"
    mkdir -p "$prefix"
    "$python" -I -m venv --clear "$home"
    # Nothing of this machine's settings may send pip elsewhere.
    env -i PATH="$PATH" PIP_CONFIG_FILE=/dev/null "$home/bin/python" -I -m pip install --quiet \
        --disable-pip-version-check --no-cache-dir --no-index --only-binary=:all: \
        --find-links wheels --require-hashes --requirement "requirements-$machine.txt"
    mkdir -p "$home/share/doc/gridsvc"
    cp install.md install.zh-CN.md "$home/share/doc/gridsvc/"
    "$home/bin/gridsvc" --version
    touch "$home/.installed"
fi
# Moved into place, so that there is a current one at every moment.
ln -s "$version" "$prefix/.current.$$"
mv -T "$prefix/.current.$$" "$prefix/current"

cat <<END

已安装：$prefix/current/bin/gridsvc
下一步见 install.zh-CN.md：数据库、设置、导入、服务、代理与 TLS、密钥、备份。

Installed: $prefix/current/bin/gridsvc
Next, as install.md has it: database, settings, import, services, proxy and TLS, keys, backup.
END
