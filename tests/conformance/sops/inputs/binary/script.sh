#!/bin/sh
echo "ENC[x]"
