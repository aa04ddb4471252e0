using System.Buffers.Binary;
using System.Text;
using CrnMlNet.Persistence;
using CrnMlNet.Tests.Data;
using CrnMlNet.Tests.Memory;
using CrnMlNet.Tests.Pipelines;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Tests.Persistence;

/// <summary>
/// Loading never crashes, hangs, writes outside of its temporary folder, or takes memory that the file does not justify,
/// whatever is in a file. What is CrnMlNet's own in it is refused with a FormatException.
/// </summary>
[Collection(AloneCollection.Name)]
[Trait("Category", "Long")]
public sealed class FuzzedModelTests(TrainedModel model) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private readonly MLContext _mlContext = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Whole_files(int part)
    {
        byte[] compressed = File.ReadAllBytes(model.Path), stored = ModelFile.Rewritten(model.Path);
        int directory = CentralDirectoryOf(compressed);
        _mlContext.TempFilePath = Directory.CreateDirectory(_folder["temp"]).FullName;
        var fuzz = new Fuzz { IsAllowed = IsLoadFailure, MostAllocated = 64L << 20 };
        var memory = new PeakMemory();

        fuzz.Run(part * 1_000_000, 2000, (number, random) => LoadWhole(part switch
        {
            0 => Damage.Any(compressed, random),
            1 => Damage.Any(compressed, random, directory),
            _ => Damage.Any(stored, random),
        }));

        memory.AssertBelow(300L << 20);
        // ML.NET leaves a folder that it made for a file that is no zip to the finalizer.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal([_mlContext.TempFilePath], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Empty(Directory.GetFileSystemEntries(_mlContext.TempFilePath));
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", fuzz.Outcomes));
    }

    [Theory]
    [InlineData(0, 6000)]
    [InlineData(1, 6000)]
    [InlineData(2, 6000)]
    [InlineData(3, 4000)]
    public void Description_and_weights(int part, int count)
    {
        string description = Encoding.UTF8.GetString(Entry(ModelFile.Description));
        byte[] json = Encoding.UTF8.GetBytes(description), weights = Entry(ModelFile.Weights);
        int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(weights);
        var fuzz = new Fuzz { IsAllowed = e => e is FormatException or InsufficientMemoryException, MostAllocated = 8L << 20 };
        var memory = new PeakMemory();

        fuzz.Run(10_000_000 + part * 1_000_000, count, (number, random) =>
        {
            switch (part)
            {
                case 0:
                    Load(Damage.Json(description, random), weights);
                    break;
                case 1:
                    Load(Encoding.UTF8.GetString(Damage.Any(json, random)), weights);
                    break;
                case 2:
                    Load(description, [.. Damage.Any(weights[..header], random), .. weights[header..]]);
                    break;
                default:
                    Load(random.Next(2) == 0 ? description : Damage.Json(description, random), Damage.Any(weights, random));
                    break;
            }
        });

        memory.AssertBelow(200L << 20);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", fuzz.Outcomes));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>What a damaged file ends a load with: our FormatException, or what ML.NET and .NET's zip say of parts that are not ours.</summary>
    private static bool IsLoadFailure(Exception e)
        => e is FormatException or InvalidDataException or InvalidOperationException or ArgumentException or IOException;

    private static int CentralDirectoryOf(byte[] zip) => zip.AsSpan().IndexOf("PK\x01\x02"u8);

    private void LoadWhole(byte[] bytes) => (_mlContext.Model.Load(new MemoryStream(bytes), out _) as IDisposable)?.Dispose();

    private void Load(string description, byte[] weights)
    {
        var environment = MLNetInternals.GetEnvironment(_mlContext.Transforms);
        var loaded = SynthesisModel.FromJson(description);
        loaded.CheckMemory();
        SynthesizeFromLabelsTransformer.Load(environment, loaded, new MemoryStream(weights)).Dispose();
    }

    private byte[] Entry(string name)
    {
        byte[] content = [];
        ModelFile.With(model.Path, name, bytes => content = bytes);
        return content;
    }
}
