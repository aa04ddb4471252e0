using System.Reflection.Metadata;
using System.Text;

namespace Packages.Tests;

/// <summary>What <c>dotnet pack</c> gives, used as somebody does who has the packages alone.</summary>
public sealed class PackagesTests(PackedSources packed) : IClassFixture<PackedSources>
{
    /// <summary>The kind of debug information that holds SourceLink's map (Portable PDB specification, "Source Link").</summary>
    private static readonly Guid SourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");

    [Fact]
    public void There_is_a_package_for_each_library_and_one_for_the_tool() =>
        Assert.Equal(
            ["CrnMlNet", "CrnMlNet.Cli", "CrnMlNet.Evaluation", "CrnMlNet.Onnx", "CrnMlNet.Torch"],
            Directory.GetFiles(packed.Feed, "*.nupkg").Select(file => Path.GetFileName(file).Replace($".{packed.Version}.nupkg", "", StringComparison.Ordinal)).Order());

    [Theory]
    [InlineData("CrnMlNet", "CrnMlNet.Torch Microsoft.ML Microsoft.ML.ImageAnalytics System.IO.Hashing")]
    [InlineData("CrnMlNet.Torch", "System.IO.Hashing TorchSharp")]
    [InlineData("CrnMlNet.Onnx", "CrnMlNet")]
    [InlineData("CrnMlNet.Evaluation", "CrnMlNet")]
    public void A_library_brings_its_readme_licence_documentation_and_symbols_and_needs_what_it_says(string id, string dependencies)
    {
        var metadata = packed.Metadata(id);
        Assert.Equal("MIT", metadata.Element("license")!.Value);
        Assert.Equal("README.md", metadata.Element("readme")!.Value);
        Assert.Equal(packed.Commit, metadata.Element("repository")!.Attribute("commit")!.Value);
        // NuGet adds what is pinned of theirs.
        var needed = metadata.Descendants("dependency").Select(dependency => dependency.Attribute("id")!.Value).ToArray();
        Assert.Superset(dependencies.Split(' ').ToHashSet(), needed.ToHashSet());
        Assert.DoesNotContain("Mono.Cecil", needed);
        Assert.DoesNotContain(needed, name => name.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase));

        using var package = packed.Open(id);
        using var readme = new StreamReader(package.GetEntry("README.md")!.Open());
        Assert.StartsWith("# CrnMlNet", readme.ReadToEnd(), StringComparison.Ordinal);
        Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.dll"));
        using var documentation = new StreamReader(package.GetEntry($"lib/net10.0/{id}.xml")!.Open());
        Assert.Contains("<summary>", documentation.ReadToEnd(), StringComparison.Ordinal);

        using var symbols = packed.Open(id, "snupkg");
        using var content = new MemoryStream();
        using (var pdb = symbols.GetEntry($"lib/net10.0/{id}.pdb")!.Open())
            pdb.CopyTo(content);
        content.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(content);
        var reader = provider.GetMetadataReader();
        var map = reader.CustomDebugInformation.Select(reader.GetCustomDebugInformation).Single(information => reader.GetGuid(information.Kind) == SourceLink);
        Assert.Contains($"raw.githubusercontent.com/crnmlnet/crnmlnet/{packed.Commit}/", Encoding.UTF8.GetString(reader.GetBlobBytes(map.Value)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_readme_s_pipeline_runs_from_packages_in_a_new_folder()
    {
        var folder = packed.NewFolder("pipeline");
        var data = packed.NewFolder("pipeline-data");
        DrawPairs(data, count: 2);
        var snippet = ReadmePipeline();
        var code = snippet.IndexOf("var mlContext", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), $$"""
            using Microsoft.ML.Data;
            using Microsoft.ML.Transforms.Image;
            {{snippet[..code]}}
            string folder = args[0];
            var pairs = Enumerable.Range(0, 2).Select(i => new Pair { LabelPath = $"{i}.label.png", PhotoPath = $"{i}.png" });
            var trainingData = new MLContext().Data.LoadFromEnumerable(pairs);
            {{snippet[code..]}}
            foreach (var row in mlContext.Data.CreateEnumerable<Painted>(loaded.Transform(trainingData), reuseRowObject: false))
                Console.WriteLine($"{row.Synthesized!.Width}x{row.Synthesized.Height}");

            class Pair
            {
                public string LabelPath { get; set; } = "";
                public string PhotoPath { get; set; } = "";
            }

            class Painted
            {
                [ImageType(96, 128)]
                public MLImage? Synthesized { get; set; }
            }
            """);
        File.WriteAllText(Path.Combine(folder, "Pipeline.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <CreateSymbolicLinksForCopyLocalIfPossible>true</CreateSymbolicLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="CrnMlNet" Version="{packed.Version}" />
                <PackageReference Include="{LibTorch}" Version="2.10.0" />
                <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="2.88.9" />
              </ItemGroup>
            </Project>
            """);
        Dotnet.Run(folder, ["build", "--configuration", "Release", "--verbosity", "quiet", .. packed.FromFeed]);
        var output = Dotnet.Run(folder, Path.Combine("bin", "Release", "net10.0", "Pipeline.dll"), data);

        Assert.Equal(["128x96", "128x96"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.True(new FileInfo(Path.Combine(folder, "model.zip")).Length > 1_000_000);
    }

    [Fact]
    public void The_tool_installs_and_trains_and_paints()
    {
        var folder = packed.NewFolder("tool");
        var labels = packed.NewFolder("tool/labels");
        var photos = packed.NewFolder("tool/photos");
        for (var i = 0; i < 2; i++)
            DrawPair(Path.Combine(labels, $"{i}.png"), Path.Combine(photos, $"{i}.png"), i);
        Dotnet.Run(folder, "tool", "install", "CrnMlNet.Cli", "--tool-path", "bin", "--add-source", packed.Feed, "--version", packed.Version);
        var crn = Path.Combine(folder, "bin", OperatingSystem.IsWindows() ? "crn.exe" : "crn");

        Dotnet.RunProgram(folder, crn, "train", "--labels", "labels", "--photos", "photos", "--palette", "camvid",
            "--height", "32", "--width", "32", "--width-factor", "0.015625", "--epochs", "1", "--output", "model.zip");
        Dotnet.RunProgram(folder, crn, "synthesize", "--model", "model.zip", "--labels", "labels", "--output", "painted");
        Assert.Equal(["0.png", "1.png"], Directory.GetFiles(Path.Combine(folder, "painted"), "*.png").Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("QuickStart")]
    [InlineData("BatchScoring")]
    [InlineData("AutoSynthesis")]
    public void A_sample_builds_against_packages(string sample)
    {
        Dotnet.Run(packed.Sources, ["build", $"samples/{sample}", "--configuration", "Release", "--verbosity", "quiet", "-p:UsePackages=true", .. packed.FromFeed]);

        var built = File.ReadAllText(Path.Combine(packed.Sources, "samples", sample, "bin", "Release", "net10.0", $"{sample}.deps.json"));
        Assert.Contains($"\"CrnMlNet/{packed.Version}\"", built, StringComparison.Ordinal);
    }

    /// <summary>TorchSharp-cpu's part for this system.</summary>
    private static string LibTorch => OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64" : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64" : "libtorch-cpu-linux-x64";

    private string ReadmePipeline()
    {
        var readme = File.ReadAllText(Path.Combine(packed.Sources, "README.md"));
        const string Fence = "```csharp\n";
        var start = readme.IndexOf(Fence + "using CrnMlNet;", StringComparison.Ordinal) + Fence.Length;
        return readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)];
    }

    private static void DrawPairs(string folder, int count)
    {
        for (var i = 0; i < count; i++)
            DrawPair(Path.Combine(folder, $"{i}.label.png"), Path.Combine(folder, $"{i}.png"), i);
    }

    /// <summary>Upper half sky, lower half road, by CamVid's ids 0 and 3, and two colours to learn.</summary>
    private static void DrawPair(string label, string photo, int seed)
    {
        const int Size = 32;
        byte[] ids = [.. Enumerable.Range(0, Size * Size).Select(i => (byte)(i < Size * Size / 2 ? 0 : 3))];
        var noise = new Random(seed);
        PngWriter.Write(label, Size, Size, PngWriter.Gray, ids);
        PngWriter.Write(photo, Size, Size, PngWriter.Rgb, [.. ids.SelectMany(id => new[] { (byte)(id * 40 + noise.Next(20)), (byte)100, (byte)(200 - (id * 40)) })]);
    }
}
