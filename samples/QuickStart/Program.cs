using QuickStart;

string folder = args.Length > 0 ? args[0] : "street-scenes";
int count = args.Length > 1 ? int.Parse(args[1]) : 300;
StreetScenes.Draw(folder, count);
Console.WriteLine($"Drew {count} street scenes in {Path.GetFullPath(folder)}.");
