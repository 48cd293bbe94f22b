{
	"data": "ENC[AES256_GCM,data:nPx/mz3S85j4ObbHMlwXp/bHoOF939Rb,iv:X4+unhtl8XCGmVhoQlxNjeK86AEOzZJgYJ/TPOTWeLo=,tag:24hpqffcfew6GOaqKQpvtg==,type:str]",
	"sops": {
		"age": [
			{
				"enc": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBGWWJ0TWRJQXVlV0dReFdC\nK2xKa01IZW5lenFLOFhCZFBkUUx1eTNUYTFNCnhnMGJIdk5rbzNXMHh0QjR6SVcz\nNGNzc1NSUDRsK0NrVjU0U3pFQ2tUWDgKLS0tIGpJRlZ4eEVmQlBaVExxREJwUE9x\nVm9jaksxVFdTb1k5REUrcE9kQXhLYmcKj49KxwV9770WGYIBzGDaDSnPlPYqOznG\nJWHbGfoNCBX+/uvXqLc4gv4M0+jANwOkrdBv5AnokodcIxo6ulXHIg==\n-----END AGE ENCRYPTED FILE-----\n",
				"recipient": "age1xw76r9kmekqv88qyqg4xer09vnv2l874gpzpm9h2a73my52d6p6qalmvmf"
			}
		],
		"lastmodified": "2026-11-21T04:17:34Z",
		"mac": "ENC[AES256_GCM,data:fgWEE6O/9sTB3Of0AY2+avhtCLBE4aQAGi0Mt11ntYUaKQYpxkZ7Xw0WQGChfmLdwT1AQ/B37wjzGKc4DBMFO9ZLWqihSCO3K7/CHdTT4cv3wh55NqQW25rrHm59DfKwLJ1mfZSGlnX7DoeSIUAMK7jphbsW20oaKtR/gWhcoA8=,iv:lroMt37pvX4SFeFOSM3U7I1ydhC5gRxTt6nIt7eqCNk=,tag:HMZrQFI7v7TTYTG6PGfdjw==,type:str]",
		"version": "3.13.2"
	}
}
