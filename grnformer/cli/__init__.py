"""The console command `grnformer`: one file a command."""
